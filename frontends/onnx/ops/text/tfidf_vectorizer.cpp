// TfIdfVectorizer: how often the n-grams of a pool occur. Tokens become numbers first, whatever their type;
// the pool becomes a tree of such numbers (runtime-lib/ngrams.h).
#include <algorithm>
#include <limits>
#include <map>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/keys.h"
#include "frontends/onnx/ops/typed_inputs.h"
#include "runtime-lib/ngrams.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Tensor;

class NgramTree {
 public:
  NgramTree() : nodes_(1) {}

  // False if it is there already. `number` is the n-gram's in the pool.
  bool add(const std::vector<int32_t>& tokens, int32_t number) {
    int32_t node = 0;
    for (const int32_t token : tokens) {
      const auto [edge, is_new] =
          nodes_[static_cast<std::size_t>(node)].edges.emplace(token, static_cast<int32_t>(nodes_.size()));
      node = edge->second;
      if (is_new) nodes_.emplace_back();
    }
    int32_t& place = nodes_[static_cast<std::size_t>(node)].column;
    if (place >= 0) return false;
    place = number;
    return true;
  }

  Tensor nodes() const {
    std::vector<int32_t> numbers;
    int32_t first = 0;
    for (const Node& node : nodes_) {
      numbers.insert(numbers.end(), {first, static_cast<int32_t>(node.edges.size()), node.column});
      first += static_cast<int32_t>(node.edges.size());
    }
    return tensor(numbers, 3);
  }
  Tensor edges() const {
    std::vector<int32_t> numbers;
    for (const Node& node : nodes_) {
      for (const auto& [token, target] : node.edges) numbers.insert(numbers.end(), {token, target});
    }
    return tensor(numbers, 2);
  }

 private:
  struct Node {
    std::map<int32_t, int32_t> edges;
    int32_t column = -1;
  };

  static Tensor tensor(const std::vector<int32_t>& numbers, int64_t width) {
    Tensor result(DType::i32, {static_cast<int64_t>(numbers.size()) / width, width});
    std::copy(numbers.begin(), numbers.end(), result.mutable_data<int32_t>());
    return result;
  }

  std::vector<Node> nodes_;
};

// The pool's tokens, every one once, and the pool as numbers of those.
struct Pool {
  Tensor tokens;
  std::vector<int32_t> numbers;
};

template <typename Token>
std::vector<Token> distinct(const std::vector<Token>& pool, std::vector<int32_t>& numbers) {
  std::map<Token, int32_t> known;
  std::vector<Token> tokens;
  for (const Token& token : pool) {
    const auto [found, is_new] = known.emplace(token, static_cast<int32_t>(tokens.size()));
    if (is_new) tokens.push_back(token);
    numbers.push_back(found->second);
  }
  return tokens;
}

Pool pool_of(Lowering& l, bool strings) {
  Pool pool;
  if (strings) {
    const auto tokens = distinct(l.strings_attribute("pool_strings", {}), pool.numbers);
    pool.tokens = Tensor::of_strings({static_cast<int64_t>(tokens.size())}, tokens);
  } else {
    const auto tokens = distinct(l.ints_attribute("pool_int64s", {}), pool.numbers);
    pool.tokens = Tensor(DType::i64, {static_cast<int64_t>(tokens.size())});
    std::copy(tokens.begin(), tokens.end(), pool.tokens.mutable_data<int64_t>());
  }
  if (pool.numbers.empty()) {
    l.fail("attribute '{}' is missing, but the input holds {}", strings ? "pool_strings" : "pool_int64s",
           ir::user_name(l.input(0)->type));
  }
  return pool;
}

NgramTree tree_of(Lowering& l, const Pool& pool, const std::vector<int64_t>& columns, int64_t least,
                  int64_t most) {
  const std::vector<int64_t> starts = l.ints_attribute("ngram_counts", {});
  if (most > static_cast<int64_t>(starts.size()))
    l.fail("attribute 'ngram_counts' has {} elements, but n-grams are up to {} long", starts.size(), most);
  NgramTree tree;
  std::size_t ngram = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto length = static_cast<int64_t>(i) + 1;
    const auto total = static_cast<int64_t>(pool.numbers.size());
    const int64_t end = i + 1 < starts.size() ? starts[i + 1] : total;
    if (starts[i] < 0 || end < starts[i] || end > total || (end - starts[i]) % length != 0)
      l.fail("attribute 'ngram_counts' gives the {}-grams places {}..{} of a pool of {}", length, starts[i],
             end, total);
    for (auto at = pool.numbers.begin() + starts[i]; at != pool.numbers.begin() + end;
         at += length, ++ngram) {
      if (ngram >= columns.size())
        l.fail("attribute 'ngram_indexes' has {} elements, but there are more n-grams", columns.size());
      if (length < least || length > most) continue;
      if (!tree.add({at, at + length}, static_cast<int32_t>(ngram)))
        l.fail("the pool has an n-gram of length {} twice", length);
    }
  }
  return tree;
}

void lower_tfidf(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* x = l.input(0);
  l.expect_rank(x, 0, 2, "the input");
  const int64_t least = l.int_attribute("min_gram_length"), most = l.int_attribute("max_gram_length");
  const int64_t skips = l.int_attribute("max_skip_count");
  if (least < 1 || most < least || skips < 0)
    l.fail("min_gram_length {}, max_gram_length {}, max_skip_count {} make no sense", least, most, skips);
  const std::vector<int64_t> columns = l.ints_attribute("ngram_indexes", {});
  if (columns.empty()) l.fail("attribute 'ngram_indexes' is missing");
  for (const int64_t column : columns) {
    if (column < 0 || column >= std::numeric_limits<int32_t>::max())
      l.fail("attribute 'ngram_indexes' has the element {}", column);
  }
  const int64_t width = *std::max_element(columns.begin(), columns.end()) + 1;
  const bool strings = x->type == DType::string;
  const Pool pool = pool_of(l, strings);
  const NgramTree tree = tree_of(l, pool, columns, least, most);

  ir::Value* tokens = find_keys(l, strings ? x : b.cast(x, DType::i64), pool.tokens);
  const Dim rows = x->rank() == 2 ? x->shape[0] : Dim(1);
  const Dim row = x->rank() > 0 ? x->shape.back() : Dim(1);
  const auto ngrams = static_cast<int64_t>(columns.size());
  ir::Value* values =
      b.opaque({.routine = "count_ngrams", .ints = {least, most, skips}},
               {b.view(tokens, {rows, row}), b.constant(tree.nodes()), b.constant(tree.edges())},
               {{DType::f32, {rows, Dim(ngrams)}}})[0];

  const std::string mode = l.string_attribute("mode", "");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    l.fail("attribute 'mode' is '{}'; ONNX knows TF, IDF and TFIDF", mode);
  if (mode == "IDF") {
    values = b.map1(values, [](const Expr& e) {
      return ir::select(ir::gt(e, 0.0), literal_number(DType::f32, 1), literal_number(DType::f32, 0));
    });
  }
  const std::vector<double> weights = l.floats_attribute("weights", {});
  if (mode != "TF" && !weights.empty()) {
    if (weights.size() != columns.size())
      l.fail("attribute 'weights' has {} elements, 'ngram_indexes' {}", weights.size(), columns.size());
    Tensor factors(DType::f32, {ngrams});
    for (int64_t i = 0; i < ngrams; ++i) factors.set_double(i, weights[static_cast<std::size_t>(i)]);
    values =
        b.map(DType::f32, {values, b.constant(factors)}, [](std::span<const Expr> e) { return e[0] * e[1]; });
  }
  // To the columns, which n-grams may share.
  Tensor places(DType::i64, {ngrams});
  std::copy(columns.begin(), columns.end(), places.mutable_data<int64_t>());
  ir::Value* place = b.constant(places);
  ir::Value* zeros = b.tabulate(DType::f32, {rows, Dim(width)}, [](ir::Body&, ir::Builder::Indices) {
    return literal_number(DType::f32, 0);
  });
  ir::Value* result = b.scatter(
      zeros, ir::Combiner::sum, {rows, Dim(ngrams)},
      [&](ir::Body& e, ir::Builder::Indices i) {
        return std::vector<Expr>{i[0],
                                 ir::checked_index(ir::cast(DType::index, e.at(place, {i[1]})), Dim(width))};
      },
      [&](ir::Body& e, ir::Builder::Indices i) { return e.at(values, {i[0], i[1]}); });
  l.output(0, x->rank() == 2 ? result : b.view(result, {Dim(width)}));
}
const RegisterOperator tfidf({.name = "TfIdfVectorizer",
                              .versions = {9},
                              .types = {{"T", kStrings | kIndices}},
                              .lower = lower_tfidf});

}  // namespace
}  // namespace o2w::onnx_frontend
