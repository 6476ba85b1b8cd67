// StringNormalizer: takes words out of a list and changes the case of the others. Since strings are interned,
// whether a word is one of the stop words is a comparison of integers.
#include <string>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/keys.h"
#include "frontends/onnx/ops/text/letter_case_ranges.h"
#include "runtime-lib/utf8.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Tensor;
using Indices = ir::Builder::Indices;

enum class Case { none, lower, upper };

Case case_attribute(Lowering& l) {
  const std::string action = l.string_attribute("case_change_action", "NONE");
  if (action == "LOWER") return Case::lower;
  if (action == "UPPER") return Case::upper;
  if (action != "NONE")
    l.fail("attribute 'case_change_action' is '{}'; ONNX knows NONE, LOWER and UPPER", action);
  return Case::none;
}

template <std::size_t count>
Tensor table_of(const CaseRange (&ranges)[count]) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(ranges);
  return {DType::i32, {static_cast<int64_t>(count), 4}, std::vector<uint8_t>(bytes, bytes + sizeof ranges)};
}

template <std::size_t count>
std::string in_case(Lowering& l, const std::string& word, const CaseRange (&ranges)[count]) {
  std::string changed;
  const char* at = word.data();
  const char* end = at + word.size();
  while (at < end) {
    const int32_t code = decode_utf8(at, end);
    if (code < 0) l.fail("attribute 'stopwords' is no valid UTF-8");
    char bytes[4];
    changed.append(bytes, static_cast<std::size_t>(encode_utf8(mapped_case(ranges, count, code), bytes)));
  }
  return changed;
}

ir::Value* in_case(Lowering& l, ir::Value* x, Case wanted) {
  if (wanted == Case::none) return x;
  ir::Builder& b = l.b();
  ir::Value* ranges = b.constant(wanted == Case::upper ? table_of(kToUpper) : table_of(kToLower));
  return b.opaque({.routine = "string_case"}, {x, ranges}, {{DType::string, x->shape}})[0];
}

void lower_string_normalizer(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* x = l.input(0);
  l.expect_rank(x, 1, 2, "the input");
  const bool has_batch = x->rank() == 2;
  if (has_batch) {
    b.require(ir::Require::Relation::equal, x->shape[0], Dim(1), "the input must have shape [C] or [1, C]");
  }
  ir::Value* words = b.view(x, {x->shape.back()});
  const Case action = case_attribute(l);
  const bool case_sensitive = l.int_attribute("is_case_sensitive", 0) != 0;
  auto stop_words = l.strings_attribute("stopwords", {});

  ir::Value* changed = nullptr;
  if (stop_words.empty()) {
    changed = in_case(l, words, action);
    // An empty list becomes a list of one empty string, here as where all words are taken out.
    if (ir::provably_less_equal(Dim(1), words->shape[0])) {
      l.output(0, has_batch ? b.view(changed, {Dim(1), words->shape[0]}) : changed);
      return;
    }
  }
  ir::Value* kept = nullptr;  // positions, [1, n]
  if (stop_words.empty()) {
    kept = b.tabulate(DType::i64, {Dim(1), words->shape[0]},
                      [](ir::Body&, Indices i) { return ir::cast(DType::i64, i[1]); });
  } else {
    ir::Value* compared = words;
    if (!case_sensitive) {
      const Case both = action == Case::upper ? Case::upper : Case::lower;
      compared = in_case(l, words, both);
      for (std::string& word : stop_words)
        word = both == Case::upper ? in_case(l, word, kToUpper) : in_case(l, word, kToLower);
    }
    const Tensor stops = Tensor::of_strings({static_cast<int64_t>(stop_words.size())}, stop_words);
    ir::Value* place = find_keys(l, compared, stops);
    kept = b.compact(b.map(DType::boolean, {place}, [](std::span<const Expr> e) { return ir::lt(e[0], 0); }));
    // Words that are taken out need not be changed, but doing it first leaves one place for the choice.
    changed = !case_sensitive && action != Case::none ? compared : in_case(l, words, action);
  }
  const Dim count = kept->shape[1];
  const Dim size = ir::max(count, Dim(1));
  ir::Shape shape = {size};
  if (has_batch) shape.insert(shape.begin(), Dim(1));
  l.output(0, b.tabulate(DType::string, shape, [&](ir::Body& e, Indices i) {
    const Expr at = i[has_batch ? 1 : 0];
    // No read where there is nothing to read.
    const Expr position = ir::cast(DType::index, e.at(kept, {0, at}));
    return ir::select(ir::lt(at, count), e.at(changed, {position}), ir::literal_int(DType::string, 0));
  }));
}
const RegisterOperator string_normalizer({.name = "StringNormalizer",
                                          .versions = {10},
                                          .limits = "letters have the case that Unicode gives them, whatever "
                                                    "the attribute 'locale' says",
                                          .types = {{"T", kStrings}},
                                          .lower = lower_string_normalizer});

}  // namespace
}  // namespace o2w::onnx_frontend
