// ZipMap, DictVectorizer and CastMap, whose maps are pairs of tensors: values and keys.
#include "frontends/onnx/maps.h"

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/ml/scores.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Combiner;
using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;
using Indices = ir::Builder::Indices;

// One map for each row, all with the same keys: the values are the rows themselves.
void lower_zip_map(Lowering& l) {
  const ml::Labels labels(l, "classlabels_strings", "classlabels_int64s");
  Value* x = ml::rows_input(l, 0, DType::f32);
  const auto count = static_cast<int64_t>(labels.count());
  require_equal(l, x->shape[1], count, "the numbers of values in a row and of keys");
  output_map(l, 0, labels.all(l), x);
}
const RegisterOperator zip_map({.domain = "ai.onnx.ml",
                                .name = "ZipMap",
                                .versions = {1},
                                .limits = "the sequence of maps is two outputs: the values [rows, keys] "
                                          "under the output's own name, the keys [keys] "
                                          "under that name with _keys appended",
                                .types = {{"tensor(float)", kFloat32}},
                                .lower = lower_zip_map});

// [1, count]: for position k, the value whose key `matches`, else `missing` (a scalar).
Value* values_by_key(Lowering& l, Value* values, Value* keys, int64_t count, const ir::Tensor& missing,
                     const std::function<Expr(ir::Body&, const Expr& key, const Expr& k)>& matches) {
  const Dim entries = keys->shape[0];
  Value* position =
      l.b().reduce(Combiner::max, DType::i64, {count}, {entries}, [&](ir::Body& body, Indices i) {
        return ir::select(matches(body, body.at(keys, {i[1]}), i[0]), ir::cast(DType::i64, i[1]),
                          ir::literal_int(DType::i64, -1));
      });
  Value* otherwise = l.b().constant(missing);
  return l.b().tabulate(values->type, {1, count}, [&](ir::Body& body, Indices i) {
    // Without any entries the maximum is the least number there is.
    const Expr at = body.at(position, {i[1]});
    const Expr zero = ir::literal_int(DType::i64, 0);
    return ir::select(ir::lt(at, zero), body.at(otherwise, {}),
                      body.at(values, {ir::cast(DType::index, ir::max(at, zero))}));
  });
}

Value* map_keys(Lowering& l, DType type) {
  Value* keys = input_keys(l, 0);
  if (keys->type != type) {
    l.fail("the map's keys are of type {}, but {} is needed", ir::user_name(keys->type), ir::user_name(type));
  }
  return keys;
}

void lower_dict_vectorizer(Lowering& l) {
  Value* values = l.input(0);
  const ml::Labels vocabulary(l, "string_vocabulary", "int64_vocabulary");
  Value* keys = map_keys(l, vocabulary.are_strings() ? DType::string : DType::i64);
  Value* words = vocabulary.all(l);
  // Words that the map does not have are zero, or the empty text.
  l.output(0,
           values_by_key(l, values, keys, static_cast<int64_t>(vocabulary.count()),
                         ir::Tensor(values->type, {}), [&](ir::Body& body, const Expr& key, const Expr& k) {
                           return ir::eq(key, body.at(words, {k}));
                         }));
}
const RegisterOperator dict_vectorizer({.domain = "ai.onnx.ml",
                                        .name = "DictVectorizer",
                                        .versions = {1},
                                        .limits = "a map is two inputs: its values under the input's own "
                                                  "name, its keys under that name with _keys appended",
                                        .types = {{"T1",
                                                   {DType::i64, DType::f32, DType::f64, DType::string}}},
                                        .lower = lower_dict_vectorizer});

DType cast_to_attribute(Lowering& l) {
  const std::string to = l.string_attribute("cast_to", "TO_FLOAT");
  if (to == "TO_FLOAT") return DType::f32;
  if (to == "TO_INT64") return DType::i64;
  if (to == "TO_STRING") return DType::string;
  l.fail("cast_to is '{}', but must be TO_FLOAT, TO_INT64 or TO_STRING", to);
}

Value* converted(Lowering& l, Value* values, DType type) {
  if (values->type == type) return values;
  if (type == DType::string) l.fail("numbers are not made strings here; use cast_to TO_FLOAT or TO_INT64");
  if (values->type == DType::string) {
    const DType wide = type == DType::i64 ? DType::i64 : DType::f64;
    values = l.b().opaque({.routine = "number_from_string"}, {values}, {{wide, values->shape}})[0];
  }
  return l.b().cast(values, type);
}

// The values in the order of their keys; or, packed sparsely, each at the position that is its key.
void lower_cast_map(Lowering& l) {
  ir::Builder& b = l.b();
  Value* keys = map_keys(l, DType::i64);
  const DType type = cast_to_attribute(l);
  Value* values = converted(l, l.input(0), type);
  const std::string form = l.string_attribute("map_form", "DENSE");
  if (form == "SPARSE") {
    const int64_t count = l.int_attribute("max_map", 1);
    if (count < 1) l.fail("max_map is {}, but must be positive", count);
    // ONNX Runtime's text for what is missing.
    const ir::Tensor missing =
        type == DType::string ? ir::Tensor::of_strings({}, {"0.f"}) : ir::Tensor(type, {});
    l.output(0, values_by_key(l, values, keys, count, missing, [](ir::Body&, const Expr& key, const Expr& k) {
               return ir::eq(key, ir::cast(DType::i64, k));
             }));
    return;
  }
  if (form != "DENSE") l.fail("map_form is '{}', but must be DENSE or SPARSE", form);
  const Dim count = keys->shape[0];
  Value* order = b.sort(keys, 0, count, /*largest=*/false).second;
  l.output(0, b.tabulate(type, {1, count}, [&](ir::Body& body, Indices i) {
    return body.at(values, {ir::cast(DType::index, body.at(order, {i[1]}))});
  }));
}
const RegisterOperator cast_map({.domain = "ai.onnx.ml",
                                 .name = "CastMap",
                                 .versions = {1},
                                 .limits = "a map is two inputs: its values under the input's own name, its "
                                           "keys under that name with _keys appended; "
                                           "floats are not made strings",
                                 .types = {{"T1", {DType::f32, DType::string}}},
                                 .lower = lower_cast_map});

}  // namespace
}  // namespace o2w::onnx_frontend
