// Lifetimes of the arena's buffers in the linear order of steps, and their offsets.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/schedule/draft.h"
#include "compiler/schedule/search_plan.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

constexpr int64_t kLargestArena = int64_t{4} << 30;  // all that a 32-bit linear memory has

class Lifetimes {
 public:
  explicit Lifetimes(Program& program) : program_(program) {
    for (Buffer& buffer : program.buffers) buffer.first_use = buffer.last_use = -1;
    walk(program.steps);
    for (const auto& [buffer, begin, end] : made_in_loop_) {
      // Results of a loop are made over all its rounds.
      if (buffer->last_use > end) buffer->first_use = std::min(buffer->first_use, begin);
    }
  }

 private:
  void use(const Address& address) {
    if (address.buffer < 0) return;
    Buffer& buffer = program_.buffers[static_cast<std::size_t>(address.buffer)];
    if (buffer.first_use < 0) buffer.first_use = now_;
    buffer.last_use = now_;
  }

  void walk(Steps& steps) {
    for (Step& step : steps) {
      ++now_;
      if (const auto* call = std::get_if<Call>(&step.what)) {
        for (const Address& pointer : call->pointers) use(pointer);
      } else if (const auto* branch = std::get_if<Branch>(&step.what)) {
        use(branch->condition);
        walk(*branch->then_steps);
        walk(*branch->else_steps);
      } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
        use(repeat->iteration);
        use(repeat->condition);
        const int begin = now_;
        walk(*repeat->body);
        for (Buffer& buffer : program_.buffers) {
          if (buffer.last_use < begin) continue;
          if (buffer.first_use <= begin) {
            buffer.last_use = now_;  // what the loop found when it began, it needs again in each round
          } else {
            made_in_loop_.push_back({&buffer, begin, now_});
          }
        }
      } else if (const auto* bind = std::get_if<BindSymbols>(&step.what)) {
        use(bind->source);
      }
    }
  }

  struct MadeInLoop {
    Buffer* buffer;
    int begin, end;
  };

  Program& program_;
  std::vector<MadeInLoop> made_in_loop_;
  int now_ = -1;
};

}  // namespace

void plan_arena(Program& program) {
  const Lifetimes lifetimes(program);
  std::vector<int> members;
  std::vector<MemoryInterval> intervals;
  bool all_known = true;
  for (std::size_t k = 0; k < program.buffers.size(); ++k) {
    Buffer& buffer = program.buffers[k];
    buffer.first_use = std::max(buffer.first_use, 0);
    buffer.last_use = std::max(buffer.last_use, 0);
    if (buffer.bytes.is_constant() && buffer.bytes.value() >= kLargestArena) {
      fail_model(
          "tensor '{}' takes {} bytes, more than the 4 GiB that WebAssembly can address; give smaller sizes "
          "by --shape or --dim",
          buffer.name, buffer.bytes.value());
    }
    if (buffer.storage != Storage::arena) continue;
    all_known = all_known && buffer.bytes.is_constant();
    members.push_back(static_cast<int>(k));
    intervals.push_back({buffer.first_use, buffer.last_use, buffer.bytes.constant().value_or(0)});
  }
  if (!all_known) return;
  const ArenaPlan plan = search_plan(intervals);
  program.arena_bytes = plan.bytes;
  program.arena_lower_bound = plan.lower_bound;
  if (program.arena_bytes >= kLargestArena) {
    fail_model(
        "the model needs {} bytes for intermediate results at once, more than the 4 GiB that WebAssembly can "
        "address; "
        "give smaller sizes by --shape or --dim",
        program.arena_bytes);
  }
  for (std::size_t k = 0; k < members.size(); ++k)
    program.buffers[static_cast<std::size_t>(members[k])].offset = plan.offsets[k];
}

}  // namespace o2w::schedule
