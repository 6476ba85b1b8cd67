// Values replaced by what a table says: LabelEncoder, CategoryMapper, OneHotEncoder.
#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/keys.h"
#include "frontends/onnx/ops/ml/scores.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Tensor;
using ir::Value;
using Indices = ir::Builder::Indices;

// --- Tables are searched for strings and int64; other numbers by their bits, so that equal numbers have
// equal ones.

int64_t bits_of(const Tensor& tensor, int64_t i) {
  if (!ir::is_float(tensor.type())) return tensor.as_int(i);
  double number = tensor.as_double(i);
  if (number == 0) number = 0;  // -0 is 0
  if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
  return tensor.type() == DType::f64 ? std::bit_cast<int64_t>(number)
                                     : int64_t{std::bit_cast<int32_t>(static_cast<float>(number))};
}

Tensor searched_keys(const Tensor& keys) {
  if (keys.type() == DType::string) return keys;
  Tensor result(DType::i64, {keys.count()});
  for (int64_t i = 0; i < keys.count(); ++i) result.set_int(i, bits_of(keys, i));
  return result;
}

Value* searched_values(Lowering& l, Value* x) {
  if (x->type == DType::string || x->type == DType::i64) return x;
  return l.b().map(DType::i64, {x}, [&](std::span<const Expr> e) {
    if (!ir::is_float(x->type)) return ir::cast(DType::i64, e[0]);
    const DType type = x->type == DType::f64 ? DType::f64 : DType::f32;
    Expr number = ir::cast(type, e[0]);
    number = ir::select(ir::eq(number, 0.0), Expr(0.0), number);
    number = ir::select(ir::unary(ExprOp::isnan, number),
                        ir::literal_float(type, std::numeric_limits<double>::quiet_NaN()), number);
    return ir::cast(DType::i64, ir::bitcast(type == DType::f64 ? DType::i64 : DType::i32, number));
  });
}

// Of equal keys the last one remains, and says which one it was.
struct DistinctKeys {
  Tensor keys;
  std::vector<int64_t> positions;
  bool had_equals = false;
};

template <typename Key, typename Get, typename Make>
DistinctKeys distinct(int64_t count, Get get, Make make) {
  std::vector<Key> keys;
  DistinctKeys result;
  std::unordered_map<Key, std::size_t> place;
  for (int64_t i = 0; i < count; ++i) {
    const Key key = get(i);
    const auto [found, added] = place.emplace(key, keys.size());
    if (added) {
      keys.push_back(key);
      result.positions.push_back(i);
    } else {
      result.positions[found->second] = i;
      result.had_equals = true;
    }
  }
  result.keys = make(keys);
  return result;
}

// For every element of x the position of the last of `keys` that it equals, or -1: i64.
Value* find_last(Lowering& l, Value* x, const Tensor& keys) {
  const DistinctKeys table = keys.type() == DType::string
                                 ? distinct<std::string>(
                                       keys.count(), [&](int64_t i) { return keys.string_at(i); },
                                       [](const std::vector<std::string>& list) {
                                         return Tensor::of_strings({static_cast<int64_t>(list.size())}, list);
                                       })
                                 : distinct<int64_t>(
                                       keys.count(), [&](int64_t i) { return keys.as_int(i); },
                                       [](const std::vector<int64_t>& list) {
                                         Tensor tensor(DType::i64, {static_cast<int64_t>(list.size())});
                                         for (std::size_t i = 0; i < list.size(); ++i)
                                           tensor.set_int(static_cast<int64_t>(i), list[i]);
                                         return tensor;
                                       });
  Value* found = find_keys(l, x, table.keys);
  if (!table.had_equals) return found;
  Value* positions = ml::constant_integers(l, DType::i64, table.positions);
  return l.b().tabulate(DType::i64, x->shape, [&](ir::Body& body, Indices i) {
    const Expr at = body.at(found, {i.begin(), i.end()});
    const Expr zero = ir::literal_int(DType::i64, 0);
    return ir::select(ir::lt(at, zero), at, body.at(positions, {ir::cast(DType::index, ir::max(at, zero))}));
  });
}

// The elements of `values` at the positions, and `otherwise` (a scalar) where a position is -1.
Value* chosen(Lowering& l, Value* positions, const Tensor& values, const Tensor& otherwise) {
  Value* table = l.b().constant(values.reshaped({values.count()}));
  Value* rest = l.b().constant(otherwise.reshaped({}));
  return l.b().tabulate(values.type(), positions->shape, [&](ir::Body& body, Indices i) {
    const Expr at = body.at(positions, {i.begin(), i.end()});
    const Expr zero = ir::literal_int(DType::i64, 0);
    return ir::select(ir::lt(at, zero), body.at(rest, {}),
                      body.at(table, {ir::cast(DType::index, ir::max(at, zero))}));
  });
}

// --- Attributes.

Tensor texts(const std::vector<std::string>& list) {
  return Tensor::of_strings({static_cast<int64_t>(list.size())}, list);
}

Tensor integers(const std::vector<int64_t>& list) {
  Tensor tensor(DType::i64, {static_cast<int64_t>(list.size())});
  for (std::size_t i = 0; i < list.size(); ++i) tensor.set_int(static_cast<int64_t>(i), list[i]);
  return tensor;
}

Tensor reals(const std::vector<double>& list) {
  Tensor tensor(DType::f32, {static_cast<int64_t>(list.size())});
  for (std::size_t i = 0; i < list.size(); ++i) tensor.set_double(static_cast<int64_t>(i), list[i]);
  return tensor;
}

Tensor scalar_text(const std::string& text) { return Tensor::of_strings({}, {text}); }

// The list `prefix`_strings, _int64s, _floats or _tensor, whichever is there.
Tensor list_attribute(Lowering& l, const std::string& prefix) {
  const std::string as_texts = prefix + "_strings", as_integers = prefix + "_int64s",
                    as_reals = prefix + "_floats", as_tensor = prefix + "_tensor";
  if (l.has_attribute(as_tensor.c_str())) return l.tensor_attribute(as_tensor.c_str());
  Tensor list;
  int given = 0;
  if (const auto found = l.strings_attribute(as_texts.c_str(), {}); !found.empty()) {
    list = texts(found);
    ++given;
  }
  if (const auto found = l.ints_attribute(as_integers.c_str(), {}); !found.empty()) {
    list = integers(found);
    ++given;
  }
  if (const auto found = l.floats_attribute(as_reals.c_str(), {}); !found.empty()) {
    list = reals(found);
    ++given;
  }
  if (given != 1)
    l.fail("exactly one of the attributes {0}_strings, {0}_int64s, {0}_floats and {0}_tensor is needed",
           prefix);
  return list;
}

Tensor default_attribute(Lowering& l, DType type) {
  if (l.has_attribute("default_tensor")) {
    const Tensor& given = l.tensor_attribute("default_tensor");
    if (given.type() != type || given.count() != 1) {
      l.fail("default_tensor must be one {}, but is {} of {}", ir::user_name(type), given.count(),
             ir::user_name(given.type()));
    }
    return given;
  }
  if (type == DType::string) return scalar_text(l.string_attribute("default_string", "_Unused"));
  Tensor result(type, {});
  if (ir::is_float(type)) {
    result.set_double(0, l.float_attribute("default_float", -0.0));
  } else {
    result.set_int(0, l.int_attribute("default_int64", -1));
  }
  return result;
}

// --- Operators.

// Version 1: texts to their positions in a list, or the other way.
void lower_positions_of_labels(Lowering& l) {
  Value* x = l.input(0);
  const Tensor labels = texts(l.strings_attribute("classes_strings", {}));
  if (labels.count() == 0) l.fail("classes_strings must list the classes");
  if (x->type == DType::string) {
    Value* found = find_last(l, x, labels);
    const int64_t otherwise = l.int_attribute("default_int64", -1);
    l.output(0, l.b().map1(found, [&](const Expr& at) {
      return ir::select(ir::lt(at, ir::literal_int(DType::i64, 0)), ir::literal_int(DType::i64, otherwise),
                        at);
    }));
    return;
  }
  if (x->type != DType::i64) l.fail("the input is {}, but must be strings or int64", ir::user_name(x->type));
  Value* positions = l.b().map1(x, [&](const Expr& e) {
    const Expr outside =
        ir::lt(e, ir::literal_int(DType::i64, 0)) || ir::ge(e, ir::literal_int(DType::i64, labels.count()));
    return ir::select(outside, ir::literal_int(DType::i64, -1), e);
  });
  l.output(0, chosen(l, positions, labels, scalar_text(l.string_attribute("default_string", "_Unused"))));
}

void lower_label_encoder(Lowering& l) {
  if (l.version() < 2) return lower_positions_of_labels(l);
  Value* x = l.input(0);
  const Tensor keys = list_attribute(l, "keys"), values = list_attribute(l, "values");
  if (keys.count() != values.count()) l.fail("there are {} keys and {} values", keys.count(), values.count());
  if (keys.type() != x->type) {
    l.fail("the input is {}, but the keys are {}", ir::user_name(x->type), ir::user_name(keys.type()));
  }
  Value* positions = find_keys(l, searched_values(l, x), searched_keys(keys));
  // NaN equals itself from version 4 on.
  if (l.version() < 4 && ir::is_float(x->type)) {
    Value* found = positions;
    positions = l.b().map(DType::i64, {x, found}, [](std::span<const Expr> e) {
      return ir::select(ir::unary(ExprOp::isnan, e[0]), ir::literal_int(DType::i64, -1), e[1]);
    });
  }
  l.output(0, chosen(l, positions, values, default_attribute(l, values.type())));
}
constexpr TypeSet kLabels{DType::string, DType::i64, DType::f32, DType::i32, DType::i16, DType::f64};
const RegisterOperator label_encoder({.domain = "ai.onnx.ml",
                                      .name = "LabelEncoder",
                                      .versions = {1, 2, 4},
                                      .types = {{"T1", kLabels}, {"T2", kLabels, outputs(0)}},
                                      .lower = lower_label_encoder});

void lower_category_mapper(Lowering& l) {
  Value* x = l.input(0);
  const Tensor names = texts(l.strings_attribute("cats_strings", {})),
               numbers = integers(l.ints_attribute("cats_int64s", {}));
  if (names.count() != numbers.count() || names.count() == 0) {
    l.fail("cats_strings and cats_int64s must be as many and not empty, but have {} and {} elements",
           names.count(), numbers.count());
  }
  if (x->type == DType::string) {
    const auto otherwise = Tensor::scalar(DType::i64, l.int_attribute("default_int64", -1));
    l.output(0, chosen(l, find_last(l, x, names), numbers, otherwise));
  } else {
    const Tensor otherwise = scalar_text(l.string_attribute("default_string", "_Unused"));
    l.output(0, chosen(l, find_last(l, x, numbers), names, otherwise));
  }
}
const RegisterOperator category_mapper({.domain = "ai.onnx.ml",
                                        .name = "CategoryMapper",
                                        .versions = {1},
                                        .types = {{"T1", {DType::string, DType::i64}}},
                                        .lower = lower_category_mapper});

void lower_one_hot_encoder(Lowering& l) {
  Value* x = l.input(0);
  const bool strings = x->type == DType::string;
  const Tensor categories = strings ? texts(l.strings_attribute("cats_strings", {}))
                                    : integers(l.ints_attribute("cats_int64s", {}));
  if (categories.count() == 0)
    l.fail("{} must list the categories", strings ? "cats_strings" : "cats_int64s");
  const Dim count = categories.count();
  Value* positions = find_last(l, strings ? x : l.b().cast(x, DType::i64), categories);
  // Unknown categories are all zeros, or an error.
  const bool zeros = l.int_attribute("zeros", 1) != 0;
  ir::Shape shape = x->shape;
  shape.push_back(count);
  l.output(0, l.b().tabulate(DType::f32, shape, [&](ir::Body& body, Indices i) {
    const std::vector<Expr> element(i.begin(), i.end() - 1);
    Expr at = ir::cast(DType::index, body.at(positions, element));
    if (!zeros) at = ir::checked_index(ir::select(ir::lt(at, 0), Expr(count), at), count);
    return ir::select(ir::eq(at, i.back()), Expr(1.0), ir::literal_float(DType::f32, 0));
  }));
}
const RegisterOperator one_hot_encoder({.domain = "ai.onnx.ml",
                                        .name = "OneHotEncoder",
                                        .versions = {1},
                                        .types = {{"T", ml::kFeatures | kStrings}},
                                        .lower = lower_one_hot_encoder});

}  // namespace
}  // namespace o2w::onnx_frontend
