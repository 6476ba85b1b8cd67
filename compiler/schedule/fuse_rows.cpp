// Reductions and elementwise nests over the same rows become one nest: softmax, normalizations, means.
//
// A group starts with a reduction. Its outer loops (those of more than one round) are the group's rows. Nests
// that read the group's results at the same row join it, either once per row (other reductions, work on their
// results) or once per element of a row, which then runs in loops of a stage. What only the group reads never
// gets to memory: numbers per row become temps; rows are computed in place of a later result, or in a tensor
// of one row.
#include <algorithm>
#include <map>
#include <numeric>

#include "compiler/schedule/fusion.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Dim;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

constexpr int kMostOperations = 160;
constexpr std::size_t kMostOperands = 16, kMostStages = 10;
// Rows shorter than this run faster as one long loop over all elements.
constexpr int64_t kShortestRow = 8;

struct Member {
  int position = 0;
  std::vector<int> rows;  // its loop variable for each of the group's row loops
  int out = -1;
  bool whole_rows = false;  // it stores rows, not numbers per row
};

// One store after all loops of its own are done, at the outer loops; stages before it compute temps.
const Stage* row_store(const Draft& draft, const NestOp& op) {
  if (op.nest.stages.empty()) return nullptr;
  for (const Stage& stage : op.nest.stages) {
    const bool last = &stage == &op.nest.stages.back();
    if (stage.sequential || stage.combine != ir::Combiner::none || (stage.target >= 0) != last)
      return nullptr;
    bool can_fail = false;
    for_each_expression(stage, [&](const Expr& e) { can_fail = can_fail || ir::may_fail(e); });
    if (can_fail) return nullptr;
  }
  const Stage& store = op.nest.stages.back();
  const ir::Shape& shape = draft.at(op.tensors[static_cast<std::size_t>(store.target)]).shape;
  const bool simple =
      store.loops.empty() && store.guard.get() == nullptr && store.combiner == ir::Combiner::none;
  return simple && op.nest.outer == shape && is_identity(store.target_indices, shape) ? &store : nullptr;
}

// Calls `visit` for every read of the nest.
void for_each_read(const NestOp& op, const std::function<void(const ExprNode& read, int tensor)>& visit) {
  for (const Stage& stage : op.nest.stages) {
    for_each_expression(stage, [&](const Expr& e) {
      ir::walk(e, [&](const ExprNode& node) {
        if (node.op == ExprOp::read) visit(node, op.tensors[static_cast<std::size_t>(node.slot)]);
      });
    });
  }
}

// Tensors that a convolution reads or writes, or that elementwise work relates with such: their layout is
// better left open, which stages that store rows would not.
std::vector<bool> tensors_of_convolutions(Draft& draft) {
  std::vector<bool> found(draft.tensors.size(), false);
  const auto mark = [&](int tensor) {
    const bool is_new = draft.at(tensor).shape.size() >= 3 && !found[static_cast<std::size_t>(tensor)];
    if (is_new) found[static_cast<std::size_t>(tensor)] = true;
    return is_new;
  };
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    if (const auto* convolution = operation.as<ConvolutionOp>()) {
      mark(convolution->x);
      mark(convolution->out);
    }
  });
  for (bool changed = true; changed;) {
    changed = false;
    for_each_operation(draft.block, [&](Operation& operation, Block&) {
      const auto* nest = operation.as<NestOp>();
      const Stage* store = nest != nullptr ? row_store(draft, *nest) : nullptr;
      if (store == nullptr || nest->nest.outer.size() < 3) return;
      const int out = nest->tensors[static_cast<std::size_t>(store->target)];
      for_each_read(*nest, [&](const ExprNode& read, int tensor) {
        if (read.args.size() != nest->nest.outer.size() || !ir::is_index(read.args[1], 1)) return;
        if (found[static_cast<std::size_t>(tensor)]) changed = mark(out) || changed;
        if (found[static_cast<std::size_t>(out)]) changed = mark(tensor) || changed;
      });
    });
  }
  return found;
}

class RowFusion {
 public:
  RowFusion(Draft& draft, Block& block, const std::vector<bool>& keep_layout)
      : draft_(draft),
        block_(block),
        keep_layout_(keep_layout),
        uses_(draft, block),
        dead_(block.size(), false) {}

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      if (dead_[k] || !start(static_cast<int>(k))) continue;
      for (std::size_t j = k + 1; j < block_.size() && extend(static_cast<int>(j)); ++j) {
      }
      if (members_.size() < 2) continue;
      add_producers();
      fuse();
    }
    erase_operations(block_, dead_);
  }

 private:
  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }
  const NestOp& nest_at(int position) { return *at(position).as<NestOp>(); }

  bool start(int position) {
    members_.clear();
    row_dims_.clear();
    rows_.clear();
    const NestOp* nest = at(position).as<NestOp>();
    const Stage* store = nest != nullptr ? row_store(draft_, *nest) : nullptr;
    if (store == nullptr || nest->nest.stages.size() < 2) return false;
    Member member;
    member.position = position;
    member.out = nest->tensors[static_cast<std::size_t>(store->target)];
    for (std::size_t k = 0; k < nest->nest.outer.size(); ++k) {
      if (nest->nest.outer[k].is(1)) continue;
      rows_.push_back(nest->nest.outer[k]);
      member.rows.push_back(static_cast<int>(k));
    }
    add(member);
    return true;
  }

  void add(const Member& member) {
    row_dims_[member.out] = member.rows;  // results are stored at the loop variables
    members_.push_back(member);
  }

  // Looks at the next operation; false when the group cannot reach beyond it.
  bool extend(int position) {
    if (dead_[static_cast<std::size_t>(position)]) return true;
    const Operation& operation = at(position);
    bool touches = false;
    for (const int tensor : all_reads_of(operation)) touches = touches || shares_storage(tensor);
    for (const int tensor : all_writes_of(operation)) touches = touches || shares_storage(tensor);
    if (!touches) return true;
    if (members_.size() >= kMostStages / 2 ||
        !std::all_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return can_wait(member, position); })) {
      return false;
    }
    const std::optional<Member> member = member_of(position);
    if (!member) return false;
    add(*member);
    return true;
  }

  bool shares_storage(int tensor) const {
    const int root = draft_.root(tensor);
    return std::any_of(row_dims_.begin(), row_dims_.end(),
                       [&](const auto& made) { return draft_.root(made.first) == root; });
  }

  // Whether the member may as well run at `position`.
  bool can_wait(const Member& member, int position) {
    const DraftTensor& out = draft_.at(member.out);
    if (out.home != DraftTensor::Home::computed || out.host >= 0 || out.carried || out.on_heap ||
        out.allocated_by_op || out.has_capacity || uses_.writers(member.out).size() != 1) {
      return false;
    }
    std::vector<int> operands = reads_of(at(member.position));
    std::erase_if(operands, [&](int tensor) { return row_dims_.contains(tensor); });
    return uses_.same_at(operands, symbols_of(draft_, at(member.position)), member.position, position);
  }

  std::optional<Member> member_of(int position) {
    const NestOp* nest = at(position).as<NestOp>();
    const Stage* store = nest != nullptr ? row_store(draft_, *nest) : nullptr;
    if (store == nullptr) return std::nullopt;
    Member member;
    member.position = position;
    member.out = nest->tensors[static_cast<std::size_t>(store->target)];
    member.rows.assign(rows_.size(), -1);
    bool aligned = !shares_storage(member.out);
    for_each_read(*nest, [&](const ExprNode& read, int tensor) {
      const auto made = row_dims_.find(tensor);
      if (made == row_dims_.end()) {
        aligned = aligned && !shares_storage(tensor);
        return;
      }
      for (std::size_t r = 0; r < rows_.size() && aligned; ++r) {
        const Expr& index = read.args[static_cast<std::size_t>(made->second[r])];
        const bool is_loop = index->op == ExprOp::index &&
                             index->slot < static_cast<int>(nest->nest.outer.size()) &&
                             nest->nest.outer[static_cast<std::size_t>(index->slot)] == rows_[r];
        aligned = is_loop && (member.rows[r] < 0 || member.rows[r] == index->slot);
        if (aligned) member.rows[r] = index->slot;
      }
    });
    if (!aligned || !std::none_of(member.rows.begin(), member.rows.end(), [](int v) { return v < 0; }))
      return std::nullopt;
    if (std::set<int>(member.rows.begin(), member.rows.end()).size() != rows_.size()) return std::nullopt;
    int last_inner = -1;
    Dim length = 1;
    for (int k = 0; k < static_cast<int>(nest->nest.outer.size()); ++k) {
      const Dim& extent = nest->nest.outer[static_cast<std::size_t>(k)];
      if (extent.is(1) || is_row(member, k)) continue;
      last_inner = k;
      length *= extent;
    }
    member.whole_rows = last_inner >= 0;
    if (!member.whole_rows) return member;
    // Rows must lie in memory one after the other, and be worth a loop.
    const bool rows_first =
        std::all_of(member.rows.begin(), member.rows.end(), [&](int v) { return v < last_inner; });
    if (nest->nest.stages.size() > 1 || !rows_first || length.upper() < kShortestRow) return std::nullopt;
    bool layout_is_open = keep_layout_[static_cast<std::size_t>(member.out)];
    for_each_read(*nest, [&](const ExprNode&, int tensor) {
      layout_is_open = layout_is_open || keep_layout_[static_cast<std::size_t>(tensor)];
    });
    return layout_is_open ? std::nullopt : std::optional(member);
  }

  // Elementwise nests whose results only the group reads join it from before: their rows need not be kept
  // either.
  void add_producers() {
    for (bool added = true; added && members_.size() < kMostStages / 2;) {
      added = false;
      std::set<int> candidates;
      for (const Member& member : members_) {
        for (const int tensor : reads_of(at(member.position))) {
          if (!row_dims_.contains(tensor) && is_private(tensor)) candidates.insert(tensor);
        }
      }
      for (const int tensor : candidates) {
        const std::optional<Member> producer = producer_of(tensor);
        if (!producer || !can_wait(*producer, members_.back().position)) continue;
        add(*producer);
        std::sort(members_.begin(), members_.end(),
                  [](const Member& a, const Member& b) { return a.position < b.position; });
        added = true;
        break;
      }
    }
  }

  std::optional<Member> producer_of(int tensor) {
    Member producer;
    producer.position = *uses_.writers(tensor).begin();
    producer.out = tensor;
    producer.whole_rows = true;
    producer.rows.assign(rows_.size(), -1);
    const NestOp* nest = at(producer.position).as<NestOp>();
    if (nest == nullptr || plain_stage(draft_, *nest) == nullptr || row_store(draft_, *nest) == nullptr ||
        keep_layout_[static_cast<std::size_t>(tensor)]) {
      return std::nullopt;
    }
    const ir::Shape& shape = nest->nest.outer;
    // The dimension that the row loops index, the same in all reads.
    bool aligned = true;
    for (const Member& member : members_) {
      for_each_read(nest_at(member.position), [&](const ExprNode& read, int from) {
        if (from != tensor) return;
        for (std::size_t r = 0; r < rows_.size(); ++r) {
          const auto dim = std::find_if(read.args.begin(), read.args.end(), [&](const Expr& index) {
            return ir::is_index(index, member.rows[r]);
          });
          const auto d = static_cast<int>(dim - read.args.begin());
          aligned = aligned && dim != read.args.end() && shape[static_cast<std::size_t>(d)] == rows_[r] &&
                    (producer.rows[r] < 0 || producer.rows[r] == d);
          if (aligned) producer.rows[r] = d;
        }
      });
    }
    const std::set<int> distinct(producer.rows.begin(), producer.rows.end());
    if (!aligned || distinct.size() != rows_.size() || distinct.contains(-1)) return std::nullopt;
    // Its rows lie one after the other.
    int last_inner = -1;
    for (int k = 0; k < static_cast<int>(shape.size()); ++k) {
      if (!shape[static_cast<std::size_t>(k)].is(1) && !is_row(producer, k)) last_inner = k;
    }
    const bool rows_first =
        std::all_of(producer.rows.begin(), producer.rows.end(), [&](int v) { return v < last_inner; });
    bool layout_is_open = false;
    for_each_read(*nest, [&](const ExprNode&, int read) {
      layout_is_open = layout_is_open || keep_layout_[static_cast<std::size_t>(read)];
    });
    return last_inner >= 0 && rows_first && !layout_is_open ? std::optional(producer) : std::nullopt;
  }

  static bool is_row(const Member& member, int variable) {
    return std::find(member.rows.begin(), member.rows.end(), variable) != member.rows.end();
  }

  // --- The nest of a group.

  // Only the group reads it.
  bool is_private(int tensor) const {
    if (!uses_.is_intermediate(tensor) || !uses_.views(tensor).empty()) return false;
    const std::set<int>& readers = uses_.readers(tensor);
    return std::all_of(readers.begin(), readers.end(), [&](int reader) {
      return std::any_of(members_.begin(), members_.end(),
                         [&](const Member& m) { return m.position == reader; });
    });
  }

  // A later result of the group that may hold the rows of `member` until its own are stored over them,
  // element by element.
  int later_result_for(const Member& member) {
    const DraftTensor& rows = draft_.at(member.out);
    if (uses_.readers(member.out).empty()) return -1;
    const int last_reader = *uses_.readers(member.out).rbegin();
    for (const Member& later : members_) {
      if (later.position != last_reader || !later.whole_rows || later.rows != member.rows ||
          lent_.contains(later.out))
        continue;
      const DraftTensor& result = draft_.at(later.out);
      if (is_private(later.out) || result.type != rows.type || result.shape != rows.shape ||
          result.layout.strides != rows.layout.strides) {
        continue;
      }
      bool in_place = true;
      for_each_read(nest_at(later.position), [&](const ExprNode& read, int tensor) {
        if (tensor == member.out) in_place = in_place && is_identity(read.args, rows.shape);
      });
      for (const Member& each : members_) {
        for (const int tensor : reads_of(at(each.position)))
          in_place = in_place && draft_.root(tensor) != draft_.root(later.out);
      }
      if (in_place) return later.out;
    }
    return -1;
  }

  // What becomes of a tensor that only the group reads.
  struct Replacement {
    Expr temp;              // a number per row
    int tensor = -1;        // or rows in another tensor,
    std::vector<int> dims;  // of which these dimensions are indexed
  };

  Replacement rows_elsewhere(const Member& member) {
    Replacement replacement;
    replacement.tensor = later_result_for(member);
    const int rank = static_cast<int>(draft_.at(member.out).shape.size());
    if (replacement.tensor >= 0) {
      lent_.insert(replacement.tensor);
      for (int k = 0; k < rank; ++k) replacement.dims.push_back(k);
      return replacement;
    }
    ir::Shape shape;
    for (int k = 0; k < rank; ++k) {
      if (is_row(member, k)) continue;
      replacement.dims.push_back(k);
      shape.push_back(draft_.at(member.out).shape[static_cast<std::size_t>(k)]);
    }
    replacement.tensor =
        draft_.add(draft_.at(member.out).type, std::move(shape), draft_.at(member.out).name + " row");
    return replacement;
  }

  // Where all members compute numbers per row in the same loops, those of one round stay: the nest remains
  // one that another layout can be chosen for.
  void keep_single_rounds() {
    const ir::Shape& outer = nest_at(members_[0].position).nest.outer;
    for (const Member& member : members_) {
      if (member.whole_rows || member.rows != members_[0].rows ||
          nest_at(member.position).nest.outer != outer)
        return;
    }
    rows_ = outer;
    for (Member& member : members_) {
      member.rows.resize(outer.size());
      std::iota(member.rows.begin(), member.rows.end(), 0);
    }
  }

  void fuse() {
    keep_single_rounds();
    NestOp fused;
    fused.nest.outer = rows_;
    replaced_.clear();
    lent_.clear();
    const std::size_t tensors_before = draft_.tensors.size();
    for (const Member& member : members_) append(member, fused);
    int operations = 0;
    for (const Stage& stage : fused.nest.stages) {
      for_each_expression(stage, [&](const Expr& e) { operations += ir::op_count(e); });
    }
    const bool fits = operations <= kMostOperations && fused.tensors.size() <= kMostOperands &&
                      fused.nest.stages.size() <= kMostStages && leaves_layouts_open(fused);
    if (!fits) {
      draft_.tensors.resize(tensors_before);
      return;
    }
    for (const Member& member : members_) {
      uses_.forget(at(member.position), member.position);
      dead_[static_cast<std::size_t>(member.position)] = true;
    }
    const int last = members_.back().position;
    dead_[static_cast<std::size_t>(last)] = false;
    at(last).what = std::move(fused);
    uses_.add(at(last), last);
  }

  // The tensors of convolutions may be given another layout where all stores of a nest are one, at the outer
  // loops.
  bool leaves_layouts_open(const NestOp& nest) const {
    const auto stores = std::count_if(nest.nest.stages.begin(), nest.nest.stages.end(),
                                      [](const Stage& stage) { return stage.target >= 0; });
    const bool open = stores == 1 && nest.nest.stages.back().loops.empty() && nest.nest.outer.size() >= 3;
    return open || std::none_of(nest.tensors.begin(), nest.tensors.end(), [&](int tensor) {
             const auto k = static_cast<std::size_t>(tensor);
             return k < keep_layout_.size() && keep_layout_[k];
           });
  }

  void append(const Member& member, NestOp& fused) {
    const NestOp& nest = nest_at(member.position);
    const int rows = static_cast<int>(rows_.size()), outer = static_cast<int>(nest.nest.outer.size());
    std::vector<Expr> variables(static_cast<std::size_t>(outer), ir::literal_int(ir::DType::index, 0));
    for (int r = 0; r < rows; ++r)
      variables[static_cast<std::size_t>(member.rows[static_cast<std::size_t>(r)])] = ir::index_var(r);
    ir::Shape inner;
    for (int k = 0; k < outer; ++k) {
      const Dim& extent = nest.nest.outer[static_cast<std::size_t>(k)];
      if (extent.is(1) || is_row(member, k)) continue;
      variables[static_cast<std::size_t>(k)] = ir::index_var(rows + static_cast<int>(inner.size()));
      inner.push_back(extent);
    }
    const int first_temp = fused.nest.temps;
    fused.nest.temps += nest.nest.temps;
    for (Stage stage : nest.nest.stages) {
      std::vector<Expr> values = variables;
      for (int q = 0; q < static_cast<int>(stage.loops.size()); ++q)
        values.push_back(ir::index_var(rows + q));
      for_each_expression(
          stage, [&](Expr& e) { e = moved(ir::substitute_indices(e, values), nest, first_temp, fused); });
      if (stage.temp >= 0) stage.temp += first_temp;
      if (stage.target < 0) {
        fused.nest.stages.push_back(std::move(stage));
        continue;
      }
      stage.loops = inner;
      store(member, std::move(stage), fused);
    }
  }

  // An expression of a member as one of the fused nest.
  Expr moved(const Expr& e, const NestOp& nest, int first_temp, NestOp& fused) {
    return ir::rewrite(e, [&](const Expr& node) -> Expr {
      if (node->op == ExprOp::temp) return ir::temp(node->slot + first_temp, node->type);
      if (node->op != ExprOp::read) return node;
      const int tensor = nest.tensors[static_cast<std::size_t>(node->slot)];
      const auto found = replaced_.find(tensor);
      if (found == replaced_.end()) return ir::read(slot_of(fused, tensor), node->type, node->args);
      const Replacement& replacement = found->second;
      if (replacement.temp.get() != nullptr) return ir::cast(node->type, replacement.temp);
      std::vector<Expr> indices;
      for (const int dim : replacement.dims) indices.push_back(node->args[static_cast<std::size_t>(dim)]);
      return ir::read(slot_of(fused, replacement.tensor), node->type, std::move(indices));
    });
  }

  void store(const Member& member, Stage stage, NestOp& fused) {
    const bool stays = !is_private(member.out);
    if (!member.whole_rows) {
      // Later stages find a number per row in a temp, whether or not it is stored too.
      const bool is_last = member.position == members_.back().position;
      if (stage.body->op != ExprOp::temp && !(stays && is_last)) {
        Stage number;
        number.body = stage.body;
        number.temp = fused.nest.temps++;
        stage.body = ir::temp(number.temp, stage.body->type);
        fused.nest.stages.push_back(std::move(number));
      }
      if (stage.body->op == ExprOp::temp) replaced_[member.out].temp = stage.body;
      if (!stays) return;
    }
    if (stays) {
      stage.target = slot_of(fused, member.out);
    } else {
      const Replacement replacement = rows_elsewhere(member);
      std::vector<Expr> indices;
      for (const int dim : replacement.dims)
        indices.push_back(stage.target_indices[static_cast<std::size_t>(dim)]);
      stage.target = slot_of(fused, replacement.tensor);
      stage.target_indices = std::move(indices);
      replaced_[member.out] = replacement;
    }
    fused.nest.stages.push_back(std::move(stage));
  }

  Draft& draft_;
  Block& block_;
  const std::vector<bool>& keep_layout_;
  BlockUses uses_;
  std::vector<bool> dead_;
  // The group at work.
  ir::Shape rows_;
  std::vector<Member> members_;
  std::map<int, std::vector<int>> row_dims_;  // its results: the dimension of each row loop
  std::map<int, Replacement> replaced_;
  std::set<int> lent_;  // results that hold other rows before their own
};

}  // namespace

void fuse_rows(Draft& draft) {
  const std::vector<bool> keep_layout = tensors_of_convolutions(draft);
  for_each_block(draft.block, [&](Block& block) { RowFusion(draft, block, keep_layout).run(); });
}

}  // namespace o2w::schedule
