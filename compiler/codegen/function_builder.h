// Builds one WebAssembly function, statement by statement.
//
//   FunctionBuilder f(module, "scale");
//   Var<I32> x = f.param<I32>(), n = f.param<I32>();
//   Var<V128> two = f.local<V128>(f32x4::splat(f.f32(2)));
//   Var<I32> i = f.local<I32>();
//   f.for_range(i, 0, n, 16, [&] { f.store_v128(x + i, f32x4::mul(load_v128(x + i), two)); });
//   f.finish();
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/value.h"

namespace o2w::codegen {

class FunctionBuilder;

// A local or parameter of a type known at run time of the compiler.
class Local {
 public:
  Local() = default;
  Local(FunctionBuilder* function, BinaryenIndex index, WasmType type)
      : function_(function), index_(index), type_(type) {}

  WasmType type() const { return type_; }
  BinaryenIndex index() const { return index_; }
  bool valid() const { return function_ != nullptr; }
  Tree get() const;
  void set(Tree value) const;  // a statement
  Tree tee(Tree value) const;  // sets, and is the value

 protected:
  FunctionBuilder* function_ = nullptr;
  BinaryenIndex index_ = 0;
  WasmType type_ = WasmType::none;
};

// The same with a static type. V is I32, I64, F32, F64 or V128.
template <typename V>
class Var : public Local {
 public:
  Var() = default;
  explicit Var(const Local& local) : Local(local) { detail::check_type(V::wasm_type, local.type()); }
  V get() const { return V(Local::get()); }
  operator V() const { return get(); }  // NOLINT(google-explicit-constructor): a local reads as its value
  void set(V value) const { Local::set(std::move(value)); }
  V tee(V value) const { return V(Local::tee(std::move(value))); }
  void operator+=(V value) const { set(get() + std::move(value)); }
  void operator-=(V value) const { set(get() - std::move(value)); }
};

class FunctionBuilder {
 public:
  using Statements = std::function<void()>;
  // The target of a break: the end of a block.
  struct Label {
    std::string name;
  };

  FunctionBuilder(BinaryenModuleRef module, std::string name);
  FunctionBuilder(const FunctionBuilder&) = delete;
  FunctionBuilder& operator=(const FunctionBuilder&) = delete;

  BinaryenModuleRef module() const { return module_; }
  const std::string& name() const { return name_; }

  // All parameters come before the first local.
  Local add_param(WasmType type);
  Local add_local(WasmType type);
  template <typename V>
  Var<V> param() {
    return Var<V>(add_param(V::wasm_type));
  }
  template <typename V>
  Var<V> local() {
    return Var<V>(add_local(V::wasm_type));
  }
  template <typename V>
  Var<V> local(V initial) {
    Var<V> variable = local<V>();
    variable.set(std::move(initial));
    return variable;
  }
  // A local with this value, typed at run time.
  Local keep(Tree value);
  // A local with a value that is the same throughout the function, made before all else; equal keys share
  // one. What loops read often stands in a register, or at worst beside the stack's other values.
  Local keep_at_start(const std::string& key, const std::function<Tree()>& value);
  void set_result(WasmType type) { result_ = type; }

  // Numbers that know the module: for the few places where no operand does.
  I32 i32(int32_t value) const;
  I64 i64(int64_t value) const;
  F32 f32(float value) const;
  F64 f64(double value) const;

  // --- Statements.
  void emit(BinaryenExpressionRef statement) { statements_.back().push_back(statement); }
  void drop(Tree value);
  void if_(I32 condition, const Statements& then);
  void if_else(I32 condition, const Statements& then, const Statements& otherwise);
  // for (variable = begin; variable < end; variable += step). `end` is evaluated once. Where the caller knows
  // that there is a first round, `at_least_once` leaves the test before it out.
  void for_range(const Var<I32>& variable, I32 begin, I32 end, I32 step, const Statements& body,
                 bool at_least_once = false);
  // do body while (condition()); condition is built after the body.
  void do_while(const Statements& body, const std::function<I32()>& condition);
  void while_(const std::function<I32()>& condition, const Statements& body);
  void block(const std::function<void(const Label&)>& body);
  void break_to(const Label& label);
  void break_if(const Label& label, I32 condition);
  void return_(Tree value);
  void return_();

  void store(int bytes, Tree address, Tree value, uint32_t offset, uint32_t align);
  void store_i32(I32 address, I32 value, uint32_t offset = 0);
  void store_i64(I32 address, I64 value, uint32_t offset = 0);
  void store_u8(I32 address, I32 value, uint32_t offset = 0);
  void store_f32(I32 address, F32 value, uint32_t offset = 0);
  void store_f64(I32 address, F64 value, uint32_t offset = 0);
  void store_v128(I32 address, V128 value, uint32_t offset = 0, uint32_t align = 4);
  void memory_copy(I32 destination, I32 source, I32 bytes);

  // --- Calls by name; the callee may be added to the module later.
  template <typename... Args>
  static std::vector<Tree> arguments(Args&&... args) {
    std::vector<Tree> list;
    list.reserve(sizeof...(args));
    (list.push_back(std::forward<Args>(args)), ...);
    return list;
  }
  Tree call(const std::string& callee, std::vector<Tree> arguments, WasmType result);
  void call_statement(const std::string& callee, std::vector<Tree> arguments);

  // --- Values made of statements.
  // The statements, then the value; the statements run where the value stands.
  Tree value_of(const std::function<Tree()>& build);
  // Evaluates one side only.
  Tree if_value(Tree condition, const std::function<Tree()>& then, const std::function<Tree()>& otherwise);

  // Adds the function to the module. Nothing may be called afterwards.
  BinaryenFunctionRef finish();

 private:
  std::string fresh_label(const char* hint);
  BinaryenExpressionRef collect(const Statements& body);
  BinaryenExpressionRef as_block(std::vector<BinaryenExpressionRef> list);

  BinaryenModuleRef module_;
  std::string name_;
  std::vector<WasmType> params_, locals_;
  WasmType result_ = WasmType::none;
  std::vector<std::vector<BinaryenExpressionRef>> statements_;
  std::vector<BinaryenExpressionRef> first_statements_;
  std::map<std::string, Local> kept_at_start_;
  int labels_ = 0;
};

}  // namespace o2w::codegen
