#include "compiler/codegen/inline_call.h"

#include <array>
#include <map>
#include <optional>
#include <string>

#include "compiler/support/error.h"

namespace o2w::codegen {
namespace {

using Ref = BinaryenExpressionRef;

std::optional<WasmType> wasm_type_of(BinaryenType type) {
  for (const WasmType candidate :
       {WasmType::i32, WasmType::i64, WasmType::f32, WasmType::f64, WasmType::v128}) {
    if (binaryen_type(candidate) == type) return candidate;
  }
  return std::nullopt;
}

// Walks an expression in the order of its evaluation. Checks it, or copies it with other locals.
class StraightLine {
 public:
  explicit StraightLine(FunctionBuilder& f) : f_(f), module_(f.module()) {}

  // Whether the function can be copied: known expressions, locals set before they are read (in a loop, they
  // would hold what the last round left).
  bool fits(BinaryenFunctionRef function) {
    const BinaryenIndex params = BinaryenTypeArity(BinaryenFunctionGetParams(function));
    for (BinaryenIndex k = 0; k < params; ++k) locals_[k] = k;
    copying_ = false;
    walk(BinaryenFunctionGetBody(function));
    return fits_;
  }
  Ref copy(Ref e, std::map<BinaryenIndex, BinaryenIndex> locals) {
    locals_ = std::move(locals);
    copying_ = true;
    return walk(e);
  }

 private:
  Ref walk(Ref e) {
    const BinaryenExpressionId id = BinaryenExpressionGetId(e);
    if (id == BinaryenBlockId() && BinaryenBlockGetName(e) == nullptr) return block(e);
    if (id == BinaryenConstId()) return copying_ ? BinaryenExpressionCopy(e, module_) : e;
    if (id == BinaryenLocalGetId()) return local_get(e);
    if (id == BinaryenLocalSetId()) return local_set(e);
    if (id == BinaryenLoadId()) return load(e);
    if (id == BinaryenSIMDLoadId()) return simd_load(e);
    if (id == BinaryenUnaryId()) {
      Ref value = walk(BinaryenUnaryGetValue(e));
      return made([&] { return BinaryenUnary(module_, BinaryenUnaryGetOp(e), value); });
    }
    if (id == BinaryenBinaryId()) {
      Ref left = walk(BinaryenBinaryGetLeft(e));
      Ref right = walk(BinaryenBinaryGetRight(e));
      return made([&] { return BinaryenBinary(module_, BinaryenBinaryGetOp(e), left, right); });
    }
    if (id == BinaryenSIMDTernaryId()) {
      Ref a = walk(BinaryenSIMDTernaryGetA(e));
      Ref b = walk(BinaryenSIMDTernaryGetB(e));
      Ref c = walk(BinaryenSIMDTernaryGetC(e));
      return made([&] { return BinaryenSIMDTernary(module_, BinaryenSIMDTernaryGetOp(e), a, b, c); });
    }
    if (id == BinaryenSIMDShiftId()) {
      Ref vector = walk(BinaryenSIMDShiftGetVec(e));
      Ref amount = walk(BinaryenSIMDShiftGetShift(e));
      return made([&] { return BinaryenSIMDShift(module_, BinaryenSIMDShiftGetOp(e), vector, amount); });
    }
    fits_ = false;
    return e;
  }

  template <typename Make>
  Ref made(const Make& make) {
    return copying_ ? make() : nullptr;
  }

  Ref block(Ref e) {
    std::vector<Ref> children;
    for (BinaryenIndex k = 0; k < BinaryenBlockGetNumChildren(e); ++k)
      children.push_back(walk(BinaryenBlockGetChildAt(e, k)));
    return made([&] {
      return BinaryenBlock(module_, nullptr, children.data(), static_cast<BinaryenIndex>(children.size()),
                           BinaryenExpressionGetType(e));
    });
  }

  // Numbers of the runtime library stay in locals from the function's start on: a load costs two instructions
  // wherever it stands, for the address and for itself.
  Ref simd_load(Ref e) {
    const BinaryenOp op = BinaryenSIMDLoadGetOp(e);
    const uint32_t offset = BinaryenSIMDLoadGetOffset(e), align = BinaryenSIMDLoadGetAlign(e);
    const std::optional<int32_t> address = address_of(BinaryenSIMDLoadGetPtr(e));
    Ref pointer = walk(BinaryenSIMDLoadGetPtr(e));
    if (!copying_) return nullptr;
    const auto load = [&](Ref from) { return BinaryenSIMDLoad(module_, op, offset, align, from); };
    if (!address) return load(pointer);
    const std::string key =
        "number " + std::to_string(op) + " at " + std::to_string(*address) + " + " + std::to_string(offset);
    const Local number = f_.keep_at_start(key, [&] {
      return Tree(module_, load(BinaryenConst(module_, BinaryenLiteralInt32(*address))), WasmType::v128);
    });
    Ref value = BinaryenLocalGet(module_, number.index(), BinaryenTypeVec128());
    if (BinaryenExpressionGetId(pointer) != BinaryenLocalSetId()) return value;
    Ref statements[] = {BinaryenDrop(module_, pointer), value};  // it sets a local
    return BinaryenBlock(module_, nullptr, statements, 2, BinaryenTypeVec128());
  }
  // The address that an expression always is.
  std::optional<int32_t> address_of(Ref e) {
    const BinaryenExpressionId id = BinaryenExpressionGetId(e);
    if (id == BinaryenConstId()) return BinaryenConstGetValueI32(e);
    if (id == BinaryenLocalSetId() && BinaryenLocalSetIsTee(e))
      return address_of(BinaryenLocalSetGetValue(e));
    if (id != BinaryenLocalGetId()) return std::nullopt;
    const auto known = addresses_.find(BinaryenLocalGetGetIndex(e));
    return known == addresses_.end() ? std::nullopt : std::optional(known->second);
  }

  Ref local_get(Ref e) {
    const auto found = locals_.find(BinaryenLocalGetGetIndex(e));
    if (found == locals_.end()) {
      fits_ = false;
      return e;
    }
    return made([&] { return BinaryenLocalGet(module_, found->second, BinaryenExpressionGetType(e)); });
  }

  Ref local_set(Ref e) {
    Ref value = walk(BinaryenLocalSetGetValue(e));
    const BinaryenIndex index = BinaryenLocalSetGetIndex(e);
    addresses_.erase(index);
    if (BinaryenExpressionGetId(BinaryenLocalSetGetValue(e)) == BinaryenConstId() &&
        BinaryenExpressionGetType(BinaryenLocalSetGetValue(e)) == BinaryenTypeInt32())
      addresses_[index] = BinaryenConstGetValueI32(BinaryenLocalSetGetValue(e));
    if (!copying_) locals_[index] = index;
    return made([&] {
      return BinaryenLocalSetIsTee(e)
                 ? BinaryenLocalTee(module_, locals_.at(index), value, BinaryenExpressionGetType(e))
                 : BinaryenLocalSet(module_, locals_.at(index), value);
    });
  }

  Ref load(Ref e) {
    Ref pointer = walk(BinaryenLoadGetPtr(e));
    return made([&] {
      return BinaryenLoad(module_, BinaryenLoadGetBytes(e), BinaryenLoadIsSigned(e), BinaryenLoadGetOffset(e),
                          BinaryenLoadGetAlign(e), BinaryenExpressionGetType(e), pointer);
    });
  }

  FunctionBuilder& f_;
  BinaryenModuleRef module_;
  std::map<BinaryenIndex, BinaryenIndex> locals_;  // the function's -> ours
  std::map<BinaryenIndex, int32_t> addresses_;     // the function's that hold a known number
  bool copying_ = false, fits_ = true;
};

}  // namespace

Tree call_in_place(FunctionTable& functions, FunctionBuilder& f, const std::string& callee,
                   std::vector<Tree> arguments, WasmType result) {
  const BinaryenFunctionRef function = BinaryenGetFunction(f.module(), callee.c_str());
  if (functions.effort() != Effort::most || function == nullptr || !StraightLine(f).fits(function))
    return f.call(callee, std::move(arguments), result);
  functions.note_copied(callee);
  const BinaryenType params = BinaryenFunctionGetParams(function);
  std::vector<BinaryenType> types(BinaryenTypeArity(params));
  BinaryenTypeExpand(params, types.data());
  ensure(types.size() == arguments.size(), "a call with the wrong number of arguments");
  for (BinaryenIndex k = 0; k < BinaryenFunctionGetNumVars(function); ++k)
    types.push_back(BinaryenFunctionGetVar(function, k));
  std::map<BinaryenIndex, BinaryenIndex> locals;
  std::vector<Ref> statements;
  for (BinaryenIndex k = 0; k < types.size(); ++k) {
    const Local local = f.add_local(wasm_type_of(types[k]).value());
    locals[k] = local.index();
    if (k < arguments.size())
      statements.push_back(BinaryenLocalSet(f.module(), local.index(), arguments[k].take(f.module())));
  }
  statements.push_back(StraightLine(f).copy(BinaryenFunctionGetBody(function), std::move(locals)));
  return {f.module(),
          BinaryenBlock(f.module(), nullptr, statements.data(), static_cast<BinaryenIndex>(statements.size()),
                        binaryen_type(result)),
          result};
}

}  // namespace o2w::codegen
