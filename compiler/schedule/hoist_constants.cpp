// What depends on constants alone, and was too large to be folded into weights, is computed by the setup:
// once, not in every run.
#include <algorithm>
#include <map>
#include <set>

#include "compiler/schedule/nest_rewriting.h"
#include "compiler/schedule/storage.h"

namespace o2w::schedule {
namespace {

// Results of plain work larger than this stay where they are: writing them anew takes a run about as long as
// reading them, and their memory is not others' while nobody needs them.
constexpr int64_t kLargeResult = 64 * 1024;

class Hoisting {
 public:
  explicit Hoisting(Draft& draft) : draft_(draft) {
    count_writers(draft.block);
    for (std::size_t k = 0; k < draft.block.size(); ++k) {
      if (is_pure(draft.block[k])) chosen_.insert(k);
    }
  }

  void run() {
    do drop_what_waits_for_others();
    while (drop_what_does_not_pay());
    std::vector<bool> moved(draft_.block.size(), false);
    for (const std::size_t k : chosen_) {
      for (const int root : roots_of(writes_of(draft_.block[k])))
        draft_.at(root).home = DraftTensor::Home::derived;
      draft_.setup.push_back(std::move(draft_.block[k]));
      moved[k] = true;
    }
    erase_operations(draft_.block, moved);
  }

 private:
  void count_writers(const Block& block) {
    for (const Operation& operation : block) {
      for (const int root : roots_of(writes_of(operation))) ++writers_[root];
      for (const Block* inner : blocks_of(operation)) count_writers(*inner);
    }
  }

  std::set<int> roots_of(const std::vector<int>& tensors) const {
    std::set<int> roots;
    for (const int tensor : tensors) roots.insert(draft_.root(tensor));
    return roots;
  }

  // The same whenever it runs, without failing, if its operands are.
  bool is_pure(const Operation& operation) const {
    if (!operation.as<KernelOp>() && !operation.as<NestOp>()) return false;
    if (!symbols_of(draft_, operation).empty()) return false;
    bool pure = true;
    if (const auto* nest = operation.as<NestOp>()) {
      for (const Stage& stage : nest->nest.stages)
        for_each_expression(stage, [&](const ir::Expr& e) { pure = pure && !ir::may_fail(e); });
    }
    for (const int root : roots_of(writes_of(operation))) {
      const DraftTensor& tensor = draft_.at(root);
      pure = pure && tensor.home == DraftTensor::Home::computed && tensor.port < 0 && !tensor.carried &&
             !tensor.on_heap && !tensor.allocated_by_op && byte_count(tensor).is_constant();
    }
    return pure;
  }

  std::map<int, int> writers_chosen() const {
    std::map<int, int> writers;
    for (const std::size_t k : chosen_) {
      for (const int root : roots_of(writes_of(draft_.block[k]))) ++writers[root];
    }
    return writers;
  }

  template <typename Keeps>
  bool keep_those_that(const Keeps& keeps) {
    return std::erase_if(chosen_, [&](std::size_t k) { return !keeps(draft_.block[k]); }) > 0;
  }

  void drop_what_waits_for_others() {
    bool changed = true;
    while (changed) {
      std::map<int, int> writers = writers_chosen();
      const auto is_whole = [&](int root) {
        return writers.contains(root) && writers[root] == writers_[root];
      };
      changed = keep_those_that([&](const Operation& operation) {
        for (const int root : roots_of(reads_of(operation))) {
          const DraftTensor::Home home = draft_.at(root).home;
          if (home != DraftTensor::Home::constant && home != DraftTensor::Home::derived && !is_whole(root))
            return false;
        }
        const std::set<int> written = roots_of(writes_of(operation));
        return std::all_of(written.begin(), written.end(), is_whole);
      });
    }
  }

  bool drop_what_does_not_pay() {
    const std::map<int, int> computed = writers_chosen();
    return keep_those_that([&](const Operation& operation) {
      for (const int root : roots_of(reads_of(operation))) {
        if (computed.contains(root)) return true;
      }
      if (const auto* nest = operation.as<NestOp>()) {
        bool is_expensive = false;
        for (const Stage& stage : nest->nest.stages) {
          is_expensive = is_expensive || stage.combiner != ir::Combiner::none ||
                         (stage.body.get() != nullptr && has_expensive_operation(stage.body));
        }
        if (!is_expensive) {
          int64_t bytes = 0;
          for (const int root : roots_of(writes_of(operation))) bytes += byte_count(draft_.at(root)).value();
          return bytes <= kLargeResult;
        }
      }
      return true;
    });
  }

  Draft& draft_;
  std::map<int, int> writers_;    // how many operations write to a root
  std::set<std::size_t> chosen_;  // positions in the block
};

}  // namespace

void hoist_constants(Draft& draft) { Hoisting(draft).run(); }

}  // namespace o2w::schedule
