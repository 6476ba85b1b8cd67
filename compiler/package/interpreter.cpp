// Compiled as C++17 (compiler/CMakeLists.txt): libwabt 1.0.32's headers are not C++20.
#include "compiler/package/interpreter.h"

#include <wabt/binary-reader.h>
#include <wabt/error-formatter.h>
#include <wabt/interp/binary-reader-interp.h>
#include <wabt/interp/interp.h>

#include <map>

#include "compiler/support/error.h"

namespace o2w::package {

namespace interp = wabt::interp;

struct WasmInstance::Impl {
  interp::Store store;
  interp::Instance::Ptr instance;
  interp::Memory::Ptr memory;
  std::map<std::string, interp::Func::Ptr> functions;
};

namespace {

wabt::Type type_of(const WasmNumber& number) {
  constexpr wabt::Type::Enum kTypes[] = {wabt::Type::I32, wabt::Type::I64, wabt::Type::F32, wabt::Type::F64};
  return kTypes[number.index()];
}

interp::Value to_value(const WasmNumber& number) {
  return std::visit([](auto value) { return interp::Value::Make(value); }, number);
}

WasmNumber from_value(const interp::Value& value, wabt::Type type) {
  switch (type) {
    case wabt::Type::I32:
      return value.Get<int32_t>();
    case wabt::Type::I64:
      return value.Get<int64_t>();
    case wabt::Type::F32:
      return value.Get<float>();
    case wabt::Type::F64:
      return value.Get<double>();
    default:
      fail_internal("a wasm result of a type that is not a number");
  }
}

}  // namespace

WasmInstance::WasmInstance(const std::vector<uint8_t>& wasm) : impl_(std::make_unique<Impl>()) {
  const bool read_names = false, stop_on_first_error = true, fail_on_custom_section_error = false;
  const wabt::ReadBinaryOptions options(wabt::Features(), nullptr, read_names, stop_on_first_error,
                                        fail_on_custom_section_error);
  wabt::Errors errors;
  interp::ModuleDesc description;
  if (wabt::Failed(
          interp::ReadBinaryInterp("module", wasm.data(), wasm.size(), options, &errors, &description))) {
    fail_internal("the interpreter cannot read the module: {}",
                  wabt::FormatErrorsToString(errors, wabt::Location::Type::Binary));
  }
  if (!description.imports.empty()) fail_internal("the module imports something");
  const std::vector<interp::ExportDesc> exports = description.exports;
  const interp::Module::Ptr module = interp::Module::New(impl_->store, std::move(description));
  interp::Trap::Ptr trap;
  impl_->instance = interp::Instance::Instantiate(impl_->store, module.ref(), {}, &trap);
  if (!impl_->instance)
    fail_internal("the module does not start: {}", trap ? trap->message() : "no reason given");
  for (std::size_t k = 0; k < exports.size(); ++k) {
    const interp::Ref ref = impl_->instance->exports()[k];
    if (exports[k].type.type->kind == interp::ExternKind::Func) {
      impl_->functions.emplace(exports[k].type.name, impl_->store.UnsafeGet<interp::Func>(ref));
    } else if (exports[k].type.type->kind == interp::ExternKind::Memory) {
      impl_->memory = impl_->store.UnsafeGet<interp::Memory>(ref);
    }
  }
  if (!impl_->memory) fail_internal("the module exports no memory");
}

WasmInstance::~WasmInstance() = default;
WasmInstance::WasmInstance(WasmInstance&&) noexcept = default;
WasmInstance& WasmInstance::operator=(WasmInstance&&) noexcept = default;

bool WasmInstance::has_export(const std::string& name) const { return impl_->functions.count(name) > 0; }

std::vector<WasmNumber> WasmInstance::call(const std::string& name,
                                           const std::vector<WasmNumber>& arguments) {
  const auto found = impl_->functions.find(name);
  if (found == impl_->functions.end()) fail_internal("the module exports no function '{}'", name);
  const interp::FuncType& type = found->second->type();
  interp::Values parameters, results;
  bool fits = type.params.size() == arguments.size();
  for (std::size_t k = 0; k < arguments.size() && fits; ++k) {
    fits = type.params[k] == type_of(arguments[k]);
    parameters.push_back(to_value(arguments[k]));
  }
  if (!fits) fail_internal("function '{}' called with arguments of other types than it has", name);
  interp::Trap::Ptr trap;
  if (wabt::Failed(found->second->Call(impl_->store, parameters, results, &trap))) {
    fail_internal("'{}' trapped: {}", name, trap ? trap->message() : "no reason given");
  }
  std::vector<WasmNumber> numbers;
  for (std::size_t k = 0; k < results.size(); ++k) numbers.push_back(from_value(results[k], type.results[k]));
  return numbers;
}

int32_t WasmInstance::call_i32(const std::string& name, const std::vector<WasmNumber>& arguments) {
  const std::vector<WasmNumber> results = call(name, arguments);
  ensure(results.size() == 1 && std::holds_alternative<int32_t>(results[0]),
         "function does not return one i32");
  return std::get<int32_t>(results[0]);
}

uint8_t* WasmInstance::memory() { return impl_->memory->UnsafeData(); }
std::size_t WasmInstance::memory_size() const { return static_cast<std::size_t>(impl_->memory->ByteSize()); }

uint8_t* WasmInstance::at(uint32_t address, std::size_t bytes) {
  ensure(address <= memory_size() && bytes <= memory_size() - address,
         "address outside of the module's memory");
  return memory() + address;
}

}  // namespace o2w::package
