// The nodes that are loops over scalar expressions: tabulate, reduce, scatter.
#include <Eigen/Core>
#include <algorithm>
#include <cstring>

#include "compiler/eval/block_program.h"
#include "compiler/eval/node_eval.h"
#include "compiler/eval/scalar.h"
#include "compiler/support/error.h"

namespace o2w::eval {

using ir::Combiner;
using ir::DType;
using ir::Tensor;

namespace {

// Throws if one of the points of the block failed. `active` may be null (all points count).
void check_failures(const NodeCall& call, const uint8_t* failures, const uint8_t* active, int64_t count) {
  if (failures == nullptr) return;
  uint8_t all = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (active == nullptr || active[i] != 0) all |= failures[i];
  }
  if ((all & static_cast<uint8_t>(Failure::index_out_of_range)) != 0) {
    fail_model("{}: an index is out of the range of the dimension it selects from", describe(*call.node));
  }
  if ((all & static_cast<uint8_t>(Failure::stray_read)) != 0) {
    fail_internal("{}: an expression reads outside of its operand", describe(*call.node));
  }
}

template <typename F>
void for_each_block(int64_t points, F&& f) {
  for (int64_t first = 0; first < points; first += BlockProgram::block) {
    f(first, std::min(BlockProgram::block, points - first));
  }
}

// Combines runs of body values into one accumulator per output element.
template <typename T>
class Accumulator {
 public:
  Accumulator(Combiner combiner, bool select_last, int64_t outputs)
      : combiner_(combiner),
        select_last_(select_last),
        values_(static_cast<std::size_t>(outputs), identity(combiner)),
        positions_(is_arg() ? static_cast<std::size_t>(outputs) : 0),
        filled_(is_arg() ? static_cast<std::size_t>(outputs) : 0) {}

  bool is_arg() const { return combiner_ == Combiner::arg_min || combiner_ == Combiner::arg_max; }
  const std::vector<T>& values() const { return values_; }
  const std::vector<int64_t>& positions() const { return positions_; }

  // values[0..count) are the elements at reduction positions first.. of one output. `guard` may be null.
  void take(int64_t output, int64_t first, const T* values, const uint8_t* guard, int64_t count) {
    const auto o = static_cast<std::size_t>(output);
    if (is_arg()) {
      for (int64_t i = 0; i < count; ++i) {
        if (guard == nullptr || guard[i] != 0) take_arg(o, first + i, values[i]);
      }
    } else if (guard == nullptr && combiner_ == Combiner::sum && std::is_floating_point_v<T>) {
      // Eigen adds in several lanes: the error of long sums grows far slower than one by one.
      const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> run(values, count);
      values_[o] += run.sum();
    } else {
      T value = values_[o];
      for (int64_t i = 0; i < count; ++i) {
        if (guard == nullptr || guard[i] != 0) value = combine(value, values[i]);
      }
      values_[o] = value;
    }
  }

  T combine(T a, T b) const {
    switch (combiner_) {
      case Combiner::sum:
        return scalar::add(a, b);
      case Combiner::prod:
        return scalar::mul(a, b);
      case Combiner::min:
        return scalar::min(a, b);
      case Combiner::max:
        return scalar::max(a, b);
      case Combiner::logical_and:
        return a != 0 && b != 0 ? T{1} : T{0};
      case Combiner::logical_or:
        return a != 0 || b != 0 ? T{1} : T{0};
      default:
        return b;
    }
  }

  static T identity(Combiner combiner) {
    using Limits = std::numeric_limits<T>;
    switch (combiner) {
      case Combiner::prod:
      case Combiner::logical_and:
        return T{1};
      case Combiner::min:
        return Limits::has_infinity ? Limits::infinity() : Limits::max();
      case Combiner::max:
        return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
      default:
        return T{0};
    }
  }

 private:
  void take_arg(std::size_t output, int64_t position, T value) {
    const bool better = filled_[output] == 0 || beats(value, values_[output]);
    filled_[output] = 1;
    if (!better) return;
    values_[output] = value;
    positions_[output] = position;
  }
  // The first NaN wins and stays.
  bool beats(T value, T best) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(best)) return false;
      if (std::isnan(value)) return true;
    }
    if (select_last_ && value == best) return true;
    return combiner_ == Combiner::arg_max ? value > best : value < best;
  }

  Combiner combiner_;
  bool select_last_;
  std::vector<T> values_;
  std::vector<int64_t> positions_;
  std::vector<uint8_t> filled_;
};

}  // namespace

Tensor evaluate_tabulate(const NodeCall& call, const ir::Tabulate& tabulate) {
  Tensor output = call.new_output();
  const DType type = output.type();
  BlockProgram program(*call.symbols, output.dims(), call.inputs);
  const int body = program.add(tabulate.body);
  const int size = element_size(type);
  uint8_t* target = output.mutable_bytes();
  for_each_block(program.point_count(), [&](int64_t first, int64_t count) {
    program.run(first, count);
    check_failures(call, program.failures(body), nullptr, count);
    cast_elements(tabulate.body->type, type, program.values(body), target + first * size, count);
  });
  return output;
}

Tensor evaluate_reduce(const NodeCall& call, const ir::Reduce& reduce) {
  Tensor output = call.new_output();
  std::vector<int64_t> space = output.dims();
  const std::vector<int64_t> extents = call.sizes(reduce.extents);
  space.insert(space.end(), extents.begin(), extents.end());
  int64_t inner = 1;
  for (const int64_t extent : extents) inner *= extent;

  BlockProgram program(*call.symbols, std::move(space), call.inputs);
  const int body = program.add(reduce.body);
  const int guard = reduce.guard ? program.add(reduce.guard) : -1;
  const DType type = reduce.body->type;
  scalar::dispatch(type, [&]<typename T>() {
    Accumulator<T> accumulator(reduce.combiner, reduce.select_last, output.count());
    for_each_block(program.point_count(), [&](int64_t first, int64_t count) {
      program.run(first, count);
      const uint8_t* active = nullptr;
      if (guard >= 0) {
        check_failures(call, program.failures(guard), nullptr, count);
        active = static_cast<const uint8_t*>(program.values(guard));
      }
      check_failures(call, program.failures(body), active, count);
      const T* values = static_cast<const T*>(program.values(body));
      for (int64_t done = 0; done < count;) {
        const int64_t position = (first + done) % inner;
        const int64_t run = std::min(count - done, inner - position);
        accumulator.take((first + done) / inner, position, values + done,
                         active == nullptr ? nullptr : active + done, run);
        done += run;
      }
    });
    if (accumulator.is_arg()) {
      cast_elements(DType::i64, output.type(), accumulator.positions().data(), output.mutable_bytes(),
                    output.count());
    } else {
      cast_elements(type, output.type(), accumulator.values().data(), output.mutable_bytes(), output.count());
    }
  });
  return output;
}

Tensor evaluate_scatter(const NodeCall& call, const ir::Scatter& scatter) {
  // Combined in the compute type and rounded to the storage type at every step, as memory holds it.
  Tensor output = call.input(0);
  const DType storage = output.type();
  const DType type = scatter.body->type;
  ensure(output.dims().size() == scatter.target.size(), "a scatter has one target index per dimension");
  BlockProgram program(*call.symbols, call.sizes(scatter.extents), call.inputs);
  const int body = program.add(scatter.body);
  const int guard = scatter.guard ? program.add(scatter.guard) : -1;
  std::vector<int> targets;
  for (const ir::Expr& target : scatter.target) targets.push_back(program.add(target));

  uint8_t* bytes = output.mutable_bytes();
  const int size = element_size(storage);
  // Calls `write(element, i)` for every point that is not left out, i being its number in the block.
  const auto for_each_target = [&](const auto& write) {
    for_each_block(program.point_count(), [&](int64_t first, int64_t count) {
      program.run(first, count);
      const uint8_t* active = nullptr;
      if (guard >= 0) {
        check_failures(call, program.failures(guard), nullptr, count);
        active = static_cast<const uint8_t*>(program.values(guard));
      }
      check_failures(call, program.failures(body), active, count);
      for (const int target : targets) check_failures(call, program.failures(target), active, count);
      for (int64_t i = 0; i < count; ++i) {
        if (active != nullptr && active[i] == 0) continue;
        int64_t position = 0;
        for (std::size_t k = 0; k < targets.size(); ++k) {
          const int64_t index = static_cast<const int64_t*>(program.values(targets[k]))[i];
          const int64_t extent = output.dims()[k];
          if (index < 0 || index >= extent) {
            fail_internal("{}: a scatter writes outside of its output", describe(*call.node));
          }
          position = position * extent + index;
        }
        write(bytes + position * size, i);
      }
    });
  };
  if (scatter.combiner == Combiner::none) {
    const int value_size = element_size(type);
    for_each_target([&](uint8_t* element, int64_t i) {
      cast_elements(type, storage, static_cast<const uint8_t*>(program.values(body)) + i * value_size,
                    element, 1);
    });
    return output;
  }
  scalar::dispatch(type, [&]<typename T>() {
    const Accumulator<T> combiner(scatter.combiner, false, 0);
    for_each_target([&](uint8_t* element, int64_t i) {
      T old{};
      cast_elements(storage, type, element, &old, 1);
      const T value = combiner.combine(old, static_cast<const T*>(program.values(body))[i]);
      cast_elements(type, storage, &value, element, 1);
    });
  });
  return output;
}

}  // namespace o2w::eval
