// Attention in blocks of rows: scores = queries by keys, a softmax over their rows, their product with the
// values. The three run on one block of rows after the other, in a loop, and the matrix of scores, which
// grows with the square of the sequence, is never there as a whole: a block of it stays in the cache.
//
// Any nest that works row by row will do between the two products (scales, masks, softmax), and every element
// is computed as before: only the order of the rows changes.
#include <algorithm>
#include <map>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/nest_rewriting.h"
#include "compiler/schedule/storage.h"

namespace o2w::schedule {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

// Bytes of a block of scores. Products pack their right side for every block, so that small ones cost more
// (256 KB: a tenth more time for sequences of 1500) than leaving the second-level cache now and then does.
constexpr int64_t kBlockBytes = 512 * 1024;
constexpr int64_t kFewestRows = 32;
// Scores that fit the caches anyway are not worth a loop.
constexpr int64_t kSmallestScores = 512 * 1024;

// What becomes of one index of a tensor in a round: position `at` alone, or `rows` from there on.
struct Part {
  Dim at;
  bool is_rows = false;
};
using Parts = std::map<char, Part>;  // by label of an einsum

// A tensor as the operation that makes it and the one that reads it know it: the same, or a view under
// another shape.
struct Passed {
  int made = -1, read = -1;
};

struct Attention {
  int scores_at = -1, rows_at = -1, product_at = -1;  // positions of the operations
  Passed scores, weights;                             // the tensors between them
  bool keeps_weights = false;                         // others want them too: an output of the model
  std::vector<int> scores_dims, weights_dims;         // per outer loop of the nest: their dimension there
  std::vector<char> scores_labels, weights_labels;    // and its label in the products
  std::size_t row_loop = 0;                           // the outer loop that is cut into blocks
};

class AttentionBlocks {
 public:
  AttentionBlocks(Draft& draft, Block& block)
      : draft_(draft), block_(block), uses_(draft, block), dead_(block.size(), false) {}

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      const std::optional<Attention> found = attention_at(static_cast<int>(k));
      if (found && pays(*found)) rewrite(*found);
    }
    erase_operations(block_, dead_);
  }

 private:
  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }

  // --- Recognition.

  std::optional<Attention> attention_at(int position) {
    Attention a;
    a.rows_at = position;
    const NestOp* nest = at(position).as<NestOp>();
    if (nest == nullptr || nest->nest.outer.empty() || nest->nest.stages.size() < 2) return std::nullopt;
    // What it stores for others: the weights.
    for (const Stage& stage : nest->nest.stages) {
      if (stage.sequential || stage.combine != ir::Combiner::none) return std::nullopt;
      bool can_fail = false;
      for_each_expression(stage, [&](const Expr& e) { can_fail = can_fail || ir::may_fail(e); });
      if (can_fail) return std::nullopt;
    }
    if (!find_weights(a) || !find_scores(*nest, a) || !choose_rows(*nest, a) || !can_wait(a) ||
        !has_known_room(a))
      return std::nullopt;
    return a;
  }

  // What the nest stores for others, and the product that reads it.
  bool find_weights(Attention& a) {
    for (const int tensor : writes_of(at(a.rows_at))) {
      std::vector<Passed> ways{{tensor, tensor}};
      for (const int view : uses_.views(tensor)) ways.push_back({tensor, view});
      int others = 0;
      Passed weights;
      int reader = -1;
      for (const Passed& way : ways) {
        std::set<int> readers = uses_.readers(way.read);
        readers.erase(a.rows_at);
        others += static_cast<int>(readers.size()) + (uses_.is_output(way.read) ? 1 : 0);
        if (readers.empty() || (reader >= 0 && *readers.begin() > reader)) continue;
        reader = *readers.begin();
        weights = way;
      }
      if (others == 0 && is_private(tensor)) continue;  // a row of its own
      if (a.weights.made >= 0 || reader < a.rows_at || !may_be_cut(tensor)) return false;
      a.weights = weights;
      a.product_at = reader;
      a.keeps_weights = others > 1 || !is_private(tensor);
    }
    if (a.weights.made < 0) return false;
    const EinsumOp* product = at(a.product_at).as<EinsumOp>();
    return product != nullptr && (product->lhs == a.weights.read) != (product->rhs == a.weights.read);
  }

  // The product whose result only the nest reads.
  bool find_scores(const NestOp& nest, Attention& a) {
    for (const int tensor : reads_of(at(a.rows_at))) {
      if (tensor == a.weights.made || uses_.readers(tensor) != std::set<int>{a.rows_at}) continue;
      a.scores = {tensor, tensor};
      if (const int host = draft_.at(tensor).host; host >= 0) {
        a.scores.made = host;
        if (!uses_.readers(host).empty() || uses_.views(host).size() != 1 || !uses_.is_local(tensor) ||
            uses_.is_output(tensor))
          continue;
      } else if (!uses_.views(tensor).empty()) {
        continue;
      }
      if (!is_private(a.scores.made) || uses_.writers(a.scores.made).empty()) continue;
      a.scores_at = *uses_.writers(a.scores.made).begin();
      const EinsumOp* scores = at(a.scores_at).as<EinsumOp>();
      if (scores == nullptr || a.scores_at >= a.rows_at) continue;
      const EinsumOp& product = *at(a.product_at).as<EinsumOp>();
      return find_dims(nest, a.scores.read, a.scores_dims) &&
             find_dims(nest, a.weights.made, a.weights_dims) &&
             find_labels(a.scores_dims, a.scores.read, a.scores.made, scores->labels.out, a.scores_labels) &&
             find_labels(a.weights_dims, a.weights.made, a.weights.read,
                         product.lhs == a.weights.read ? product.labels.lhs : product.labels.rhs,
                         a.weights_labels);
    }
    return false;
  }

  bool is_private(int tensor) const {
    return uses_.is_intermediate(tensor) && draft_.at(tensor).type == ir::DType::f32;
  }

  bool may_be_cut(int tensor) const {
    const DraftTensor& t = draft_.at(tensor);
    return t.home == DraftTensor::Home::computed && !t.carried && !t.on_heap && !t.allocated_by_op &&
           !t.has_capacity && uses_.writers(tensor).size() == 1 && t.type == ir::DType::f32;
  }

  // The labels of a product's operand `to` that stand for dimensions of `from`.
  bool find_labels(const std::vector<int>& dims, int from, int to, const std::string& labels,
                   std::vector<char>& found) const {
    const DraftTensor &a = draft_.at(from), &b = draft_.at(to);
    std::map<int, int> same;
    if (from == to) {
      for (std::size_t d = 0; d < a.shape.size(); ++d) same[static_cast<int>(d)] = static_cast<int>(d);
    } else {
      // One is a view of the other's whole: the same but for dimensions of size 1.
      const bool whole = (a.host == to && a.host_offset.is(0)) || (b.host == from && b.host_offset.is(0));
      const std::vector<int> ours = long_dims(a), theirs = long_dims(b);
      if (!whole || ours.size() != theirs.size() || !is_dense(a) || !is_dense(b)) return false;
      for (std::size_t k = 0; k < ours.size(); ++k) {
        if (a.shape[static_cast<std::size_t>(ours[k])] != b.shape[static_cast<std::size_t>(theirs[k])])
          return false;
        same[ours[k]] = theirs[k];
      }
    }
    for (const int dim : dims) {
      if (!same.contains(dim)) return false;
      found.push_back(labels[static_cast<std::size_t>(same.at(dim))]);
    }
    return true;
  }
  static std::vector<int> long_dims(const DraftTensor& tensor) {
    std::vector<int> dims;
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      if (!tensor.shape[d].is(1)) dims.push_back(static_cast<int>(d));
    }
    return dims;
  }

  // The dimension of a tensor that each outer loop of the nest indexes, in all reads and stores; false where
  // they are not the same, or not all.
  static bool find_dims(const NestOp& op, int tensor, std::vector<int>& dims) {
    const int outer = static_cast<int>(op.nest.outer.size());
    bool aligned = true, seen = false;
    const auto look_at = [&](const std::vector<Expr>& indices) {
      std::vector<int> here(static_cast<std::size_t>(outer), -1);
      for (std::size_t d = 0; d < indices.size(); ++d) {
        const Expr& index = indices[d];
        if (index->op == ExprOp::index && index->slot < outer) {
          int& dim = here[static_cast<std::size_t>(index->slot)];
          aligned = aligned && dim < 0;
          dim = static_cast<int>(d);
        } else {
          // The rows' own loops say the rest.
          ir::walk(index, [&](const ExprNode& node) {
            aligned = aligned && !(node.op == ExprOp::index && node.slot < outer);
          });
        }
      }
      aligned = aligned && (!seen || here == dims) &&
                std::none_of(here.begin(), here.end(), [](int dim) { return dim < 0; });
      dims = here;
      seen = true;
    };
    for (const Stage& stage : op.nest.stages) {
      if (stage.target >= 0 && op.tensors[static_cast<std::size_t>(stage.target)] == tensor)
        look_at(stage.target_indices);
      for_each_expression(stage, [&](const Expr& e) {
        ir::walk(e, [&](const ExprNode& node) {
          if (node.op == ExprOp::read && op.tensors[static_cast<std::size_t>(node.slot)] == tensor)
            look_at(node.args);
        });
      });
    }
    return aligned && seen;
  }

  // The last loop that only the queries have: their rows share the keys and values.
  bool choose_rows(const NestOp& nest, Attention& a) {
    const EinsumOp &scores = *at(a.scores_at).as<EinsumOp>(), &product = *at(a.product_at).as<EinsumOp>();
    const auto has = [](const std::string& labels, char label) {
      return labels.find(label) != std::string::npos;
    };
    const std::string& others = product.lhs == a.weights.read ? product.labels.rhs : product.labels.lhs;
    bool found = false;
    for (std::size_t loop = 0; loop < nest.nest.outer.size(); ++loop) {
      // A sum over rows would have to be continued from block to block.
      if (!has(product.labels.out, a.weights_labels[loop])) return false;
      if (has(others, a.weights_labels[loop]) ||
          has(scores.labels.lhs, a.scores_labels[loop]) == has(scores.labels.rhs, a.scores_labels[loop])) {
        continue;
      }
      a.row_loop = loop;
      found = true;
    }
    return found;
  }

  // The first two may as well run where the last one does, and nobody looks at their results before.
  bool can_wait(const Attention& a) {
    for (int position = a.scores_at + 1; position < a.product_at; ++position) {
      if (position == a.rows_at) continue;
      const auto touches = [&](const std::vector<int>& tensors) {
        return std::any_of(tensors.begin(), tensors.end(), [&](int tensor) {
          return draft_.root(tensor) == draft_.root(a.scores.made) ||
                 draft_.root(tensor) == draft_.root(a.weights.made);
        });
      };
      if (touches(all_reads_of(at(position))) || touches(all_writes_of(at(position)))) return false;
    }
    for (const int position : {a.scores_at, a.rows_at}) {
      if (!uses_.same_at(reads_of(at(position)), symbols_of(draft_, at(position)), position, a.product_at))
        return false;
    }
    return true;
  }

  // What a loop makes must have its memory before: sizes that only the run tells would be allocated in every
  // round. And a residual of the scores would have to lie like a block of them.
  bool has_known_room(const Attention& a) {
    const EinsumOp &scores = *at(a.scores_at).as<EinsumOp>(), &product = *at(a.product_at).as<EinsumOp>();
    const DraftTensor& out = draft_.at(draft_.root(product.out));
    const auto is_known = [](const ir::Shape& shape) {
      return std::all_of(shape.begin(), shape.end(), [](const Dim& dim) { return dim.from_inputs(); });
    };
    return is_known(draft_.at(a.scores.read).shape) && is_known(draft_.at(a.weights.made).shape) &&
           is_known(draft_.at(product.out).shape) && !out.on_heap && byte_count(out).from_inputs() &&
           std::none_of(scores.epilogue.operands.begin(), scores.epilogue.operands.end(),
                        [](const EpilogueOperand& operand) {
                          return operand.access == EpilogueOperand::Access::same;
                        });
  }

  bool pays(const Attention& a) {
    const Dim bytes = byte_count(draft_.at(a.scores.read));
    const Dim& rows = at(a.rows_at).as<NestOp>()->nest.outer[a.row_loop];
    return rows.upper() > kFewestRows && (!bytes.is_constant() || bytes.value() >= kSmallestScores);
  }

  // --- The loop.

  void rewrite(const Attention& a) {
    const NestOp nest = *at(a.rows_at).as<NestOp>();
    const EinsumOp scores = *at(a.scores_at).as<EinsumOp>(), product = *at(a.product_at).as<EinsumOp>();
    const ir::Shape& outer = nest.nest.outer;
    const Dim all_rows = outer[a.row_loop];
    const Dim row_bytes = ir::max(bytes_of_a_row(a), 1);
    // Whole tiles of four rows.
    const Dim rows_of_block =
        ir::min(all_rows, ir::max(kFewestRows, Dim(4) * ir::floordiv(Dim(kBlockBytes / 4), row_bytes)));
    const Dim blocks = ir::ceildiv(all_rows, ir::max(rows_of_block, 1));

    Dim rounds = blocks;
    for (std::size_t k = 0; k < outer.size(); ++k) {
      if (k != a.row_loop) rounds *= outer[k];
    }
    RepeatOp loop;
    loop.trip_count = rounds;
    loop.iteration = draft_.add(ir::DType::i64, {}, "block");
    draft_.at(loop.iteration).carried = true;
    const auto add = [&](auto op, int from) {
      loop.body.push_back({std::move(op), at(from).origin, at(from).failure});
    };

    // Which part of the whole a round works on: the last block of rows may be smaller. Loops over equal sizes
    // share their symbols, and what is computed of them.
    std::string form = rows_of_block.to_string() + " rows of " + std::to_string(a.row_loop) + " in";
    for (const Dim& extent : outer) form += " " + extent.to_string();
    std::vector<ir::SymbolRef>& symbols = symbols_[form];
    std::size_t used = 0;
    const auto symbol = [&](const char* name, const Dim& limit) {
      if (used == symbols.size()) symbols.push_back(draft_.new_symbol(name, limit.upper()));
      return symbols[used++];
    };
    const auto named = [&](const char* name, const Dim& value, const Dim& limit) {
      if (value.is_constant()) return value;
      const ir::SymbolRef made = symbol(name, limit);
      add(SymbolOp{made, value}, a.product_at);
      return Dim::symbol(made);
    };
    const ir::SymbolRef number = symbol("block", rounds);
    add(BindOp{loop.iteration, {number}}, a.product_at);
    Dim rest = Dim::symbol(number);
    Dim rounds_left = rounds;
    const auto next = [&](const Dim& extent) {
      const Dim safe = ir::max(extent, 1);
      const Dim here = rounds_left == extent ? rest : ir::mod(rest, safe);
      rest = ir::floordiv(rest, safe);
      rounds_left = rounds_left.exact_div(extent).value_or(0);
      return here;
    };
    std::vector<Part> parts(outer.size());
    parts[a.row_loop] = {named("first row", next(blocks) * rows_of_block, all_rows), true};
    for (std::size_t k = outer.size(); k-- > 0;) {
      if (k != a.row_loop) parts[k] = {named("matrix", next(outer[k]), outer[k]), false};
    }
    rows_ = blocks.is(1)
                ? all_rows
                : named("rows", ir::min(rows_of_block, all_rows - parts[a.row_loop].at), rows_of_block);

    Parts of_scores, of_product;
    for (std::size_t k = 0; k < outer.size(); ++k) {
      of_scores[a.scores_labels[k]] = parts[k];
      of_product[a.weights_labels[k]] = parts[k];
    }
    const int scores_block = block_of(a.scores.read, a.scores_dims, a, rows_of_block),
              weights_block = a.keeps_weights ? part_of_whole(a.weights.made, a.weights_dims, a, parts)
                                              : block_of(a.weights.made, a.weights_dims, a, rows_of_block);
    add(part_of(scores, of_scores, {{a.scores.made, scores_block}}), a.scores_at);
    add(part_of(nest, a, parts, scores_block, weights_block), a.rows_at);
    add(part_of(product, of_product, {{a.weights.read, weights_block}}), a.product_at);

    dead_[static_cast<std::size_t>(a.scores_at)] = dead_[static_cast<std::size_t>(a.rows_at)] = true;
    uses_.forget(at(a.scores_at), a.scores_at);
    uses_.forget(at(a.rows_at), a.rows_at);
    uses_.forget(at(a.product_at), a.product_at);
    at(a.product_at).what = std::move(loop);
    uses_.add(at(a.product_at), a.product_at);
  }

  Dim bytes_of_a_row(const Attention& a) const {
    const DraftTensor& scores = draft_.at(a.scores.read);
    Dim bytes = ir::byte_size(scores.type);
    for (std::size_t d = 0; d < scores.shape.size(); ++d) {
      if (std::find(a.scores_dims.begin(), a.scores_dims.end(), static_cast<int>(d)) == a.scores_dims.end())
        bytes *= scores.shape[d];
    }
    return bytes;
  }

  // Dimensions that a block of a tensor has: its rows, and what is neither fixed in a round nor of size 1.
  bool is_left(const ir::Shape& shape, const std::vector<int>& dims, const Attention& a,
               std::size_t d) const {
    return is_row(dims, a, d) ||
           (!shape[d].is(1) && std::find(dims.begin(), dims.end(), static_cast<int>(d)) == dims.end());
  }
  static bool is_row(const std::vector<int>& dims, const Attention& a, std::size_t d) {
    return dims[a.row_loop] == static_cast<int>(d);
  }

  // A tensor for one block of `whole`, with room for the largest.
  int block_of(int whole, const std::vector<int>& dims, const Attention& a, const Dim& most_rows) {
    const DraftTensor& from = draft_.at(whole);
    ir::Shape shape;
    Dim most = ir::byte_size(from.type);
    for (std::size_t d = 0; d < from.shape.size(); ++d) {
      if (!is_left(from.shape, dims, a, d)) continue;
      shape.push_back(is_row(dims, a, d) ? rows_ : from.shape[d]);
      most *= is_row(dims, a, d) ? most_rows : from.shape[d];
    }
    const int block = draft_.add(from.type, std::move(shape), from.name + " block");
    draft_.at(block).capacity = most;
    draft_.at(block).has_capacity = true;
    return block;
  }

  // The block of `whole` where it lies.
  int part_of_whole(int whole, const std::vector<int>& dims, const Attention& a,
                    const std::vector<Part>& parts) {
    const DraftTensor from = draft_.at(whole);
    Dim start = from.layout.offset;
    for (std::size_t k = 0; k < dims.size(); ++k)
      start += parts[k].at * from.layout.strides[static_cast<std::size_t>(dims[k])];
    ir::Shape shape;
    Layout layout;
    for (std::size_t d = 0; d < from.shape.size(); ++d) {
      if (!is_left(from.shape, dims, a, d)) continue;
      shape.push_back(is_row(dims, a, d) ? rows_ : from.shape[d]);
      layout.strides.push_back(from.layout.strides[d]);
    }
    return view(whole, std::move(shape), std::move(layout), start);
  }

  int view(int whole, ir::Shape shape, Layout layout, const Dim& start) {
    const DraftTensor from = draft_.at(whole);
    const int made = draft_.add(from.type, std::move(shape), from.name);
    draft_.at(made).layout = std::move(layout);
    draft_.at(made).host = whole;
    draft_.at(made).host_offset = start * Dim(ir::byte_size(from.type));
    return made;
  }

  // The part of a tensor that a round reads or writes.
  int view_of(int whole, std::string& labels, const Parts& parts) {
    const DraftTensor from = draft_.at(whole);
    Dim start = from.layout.offset;
    ir::Shape shape;
    Layout layout;
    std::string left;
    for (std::size_t d = 0; d < labels.size(); ++d) {
      const auto part = parts.find(labels[d]);
      // A size of 1 is broadcast.
      const bool is_cut = part != parts.end() && !from.shape[d].is(1);
      if (is_cut) start += part->second.at * from.layout.strides[d];
      if (part != parts.end() && !part->second.is_rows) continue;
      shape.push_back(is_cut ? rows_ : from.shape[d]);
      layout.strides.push_back(from.layout.strides[d]);
      left += labels[d];
    }
    if (left == labels && start == from.layout.offset) return whole;
    labels = left;
    return view(whole, std::move(shape), std::move(layout), start);
  }

  // A product with the dimensions that are left. Its operands and result are views, but those given.
  EinsumOp part_of(const EinsumOp& whole, const Parts& parts, const std::map<int, int>& given) {
    EinsumOp op = whole;
    const auto take = [&](int& tensor, std::string& labels) {
      const auto known = given.find(tensor);
      if (known == given.end()) {
        tensor = view_of(tensor, labels, parts);
        return;
      }
      const ir::Shape& shape = draft_.at(tensor).shape;
      std::string left;
      for (std::size_t d = 0; d < labels.size(); ++d) {
        const auto part = parts.find(labels[d]);
        const bool is_rows = part != parts.end() && part->second.is_rows;
        if (is_rows || (part == parts.end() && !shape[d].is(1))) left += labels[d];
      }
      labels = left;
      tensor = known->second;
    };
    take(op.lhs, op.labels.lhs);
    take(op.rhs, op.labels.rhs);
    const std::string out_labels = op.labels.out;
    take(op.out, op.labels.out);
    for (std::size_t k = 0; k < op.epilogue_tensors.size(); ++k) {
      if (op.epilogue.operands[k].access != EpilogueOperand::Access::same) continue;
      std::string labels = out_labels;
      op.epilogue_tensors[k] = view_of(op.epilogue_tensors[k], labels, parts);
    }
    return op;
  }

  // The nest with the loop over rows alone, from the block's first row on.
  NestOp part_of(const NestOp& whole, const Attention& a, const std::vector<Part>& parts, int scores_block,
                 int weights_block) {
    NestOp op;
    op.nest.outer = {rows_};
    op.nest.temps = whole.nest.temps;
    const auto left_of = [&](const std::vector<Expr>& indices, int tensor, const std::vector<int>& dims) {
      std::vector<Expr> left;
      for (std::size_t d = 0; d < indices.size(); ++d) {
        if (is_left(draft_.at(tensor).shape, dims, a, d))
          left.push_back(is_row(dims, a, d) ? ir::index_var(0) : indices[d]);
      }
      return left;
    };
    for (Stage stage : whole.nest.stages) {
      std::vector<Expr> values;
      for (const Part& part : parts) {
        const Expr start(part.at);
        values.push_back(part.is_rows ? ir::index_var(0) + start : start);
      }
      for (int q = 0; q < static_cast<int>(stage.loops.size()); ++q) values.push_back(ir::index_var(1 + q));
      for_each_expression(stage, [&](Expr& e) {
        e = ir::rewrite(ir::substitute_indices(e, values), [&](const Expr& node) -> Expr {
          if (node->op != ExprOp::read) return node;
          const int tensor = whole.tensors[static_cast<std::size_t>(node->slot)];
          if (tensor == a.scores.read)
            return ir::read(slot_of(op, scores_block), node->type,
                            left_of(node->args, tensor, a.scores_dims));
          if (tensor == a.weights.made)
            return ir::read(slot_of(op, weights_block), node->type,
                            left_of(node->args, tensor, a.weights_dims));
          return ir::read(slot_of(op, tensor), node->type, node->args);
        });
      });
      if (stage.target >= 0) {
        const int target = whole.tensors[static_cast<std::size_t>(stage.target)];
        stage.target = slot_of(op, target == a.weights.made ? weights_block : target);
        if (target == a.weights.made)
          stage.target_indices = left_of(stage.target_indices, target, a.weights_dims);
      }
      op.nest.stages.push_back(std::move(stage));
    }
    return op;
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
  std::map<std::string, std::vector<ir::SymbolRef>> symbols_;  // by what a loop goes over
  Dim rows_;                                                   // of the block at work
};

}  // namespace

void block_attention(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { AttentionBlocks(draft, block).run(); });
}

}  // namespace o2w::schedule
