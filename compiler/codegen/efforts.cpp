#include "compiler/codegen/efforts.h"

#include <algorithm>
#include <vector>

#include "compiler/codegen/canonical_nest.h"
#include "compiler/codegen/scalar_ops.h"
#include "compiler/schedule/kernel_costs.h"

namespace o2w::codegen {

using namespace schedule;  // NOLINT(google-build-using-namespace): the steps and kernels of the program

namespace {

// Roughly, in nanoseconds.
constexpr double kMultiplication = 0.04, kOperation = 0.4;
// Vectors do four elements at a time; one a round, and calls, take so much of their time on top.
constexpr double kVector = 4, kSomeMore = 0.4;
// By how much nests of less effort may make a run longer.
constexpr double kLonger = 0.004, kLongerSmall = 0.05;
// Sizes that are not known may be larger than what they are taken for, and those of other parts may not.
constexpr double kOpenSizes = 16;

double size_of(const ir::Dim& dim) {
  if (const auto constant = dim.constant()) return static_cast<double>(*constant);
  std::map<std::string, int64_t> values;
  for (const ir::SymbolRef& symbol : dim.symbols())
    values[symbol->name] = typical_size(ir::Dim::symbol(symbol));
  return static_cast<double>(std::max<int64_t>(dim.evaluate(values).value_or(0), 0));
}

double size_of(const ir::Shape& shape) {
  double size = 1;
  for (const ir::Dim& dim : shape) size *= size_of(dim);
  return size;
}

bool is_open(const LoopNest& nest) {
  const auto is_unknown = [](const ir::Dim& dim) { return !dim.is_constant(); };
  const auto has_unknown = [&](const ir::Shape& shape) {
    return std::any_of(shape.begin(), shape.end(), is_unknown);
  };
  return has_unknown(nest.outer) || std::any_of(nest.stages.begin(), nest.stages.end(),
                                                [&](const Stage& stage) { return has_unknown(stage.loops); });
}

double operations_of(const ir::Expr& e) {
  double operations = 0;
  ir::walk(e, [&](const ir::ExprNode& node) { operations += ScalarOps::is_math(node.op) ? 12 : 1; });
  return operations;
}

// Element by element.
double time_of(const LoopNest& nest) {
  double time = 0;
  for (const Stage& stage : nest.stages) time += size_of(stage.loops) * (1 + operations_of(stage.body));
  return time * size_of(nest.outer) * kOperation;
}

class Times {
 public:
  // `typical`, `most`: how often the steps are run.
  void visit(const Steps& steps, double typical, double most) {
    for (const Step& step : steps) {
      if (const auto* call = std::get_if<Call>(&step.what)) {
        visit(*call, typical, most);
      } else if (const auto* branch = std::get_if<Branch>(&step.what)) {
        if (branch->then_steps) visit(*branch->then_steps, typical, most);
        if (branch->else_steps) visit(*branch->else_steps, typical, most);
      } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
        const double times = repeat->trip_count ? size_of(*repeat->trip_count) : 1;
        const bool is_open = !repeat->trip_count || !repeat->trip_count->is_constant();
        if (repeat->body) visit(*repeat->body, typical * times, most * times * (is_open ? kOpenSizes : 1));
      }
    }
  }

  double all = 0;
  std::map<std::string, double> nests;  // by key; element by element, open sizes as large

 private:
  void visit(const Call& call, double typical, double most) {
    if (const auto* nest = std::get_if<LoopNest>(&call.kernel)) {
      const double time = time_of(*nest);
      all += typical * time / kVector;
      nests[key_of(canonicalize(*nest))] += most * time * (is_open(*nest) ? kOpenSizes : 1);
    } else if (std::holds_alternative<Matmul>(call.kernel) || std::holds_alternative<Conv2d>(call.kernel)) {
      all += typical * multiplications_of(call) * kMultiplication;
    }
  }
};

}  // namespace

double multiplications_of(const Call& call) {
  const auto size = [](const ir::Dim& dim) { return size_of(dim); };
  if (const auto* matmul = std::get_if<Matmul>(&call.kernel)) {
    double work = size(matmul->m) * size(matmul->n) * size(matmul->k);
    for (const BatchLoop& loop : matmul->batch) work *= size(loop.extent);
    return work;
  }
  const auto& conv = std::get<Conv2d>(call.kernel);
  return size(conv.n) * size(conv.oh) * size(conv.ow) * size(conv.m) * size(conv.kh) * size(conv.kw) *
         size(conv.c) / static_cast<double>(conv.group);
}

std::map<std::string, Effort> nest_efforts(const Program& program, bool small) {
  Times times;
  times.visit(program.steps, 1, 1);
  std::vector<std::pair<double, std::string>> ascending;
  for (const auto& [key, time] : times.nests) ascending.emplace_back(time, key);
  std::sort(ascending.begin(), ascending.end());
  const double room = times.all * (small ? kLongerSmall : kLonger);
  std::map<std::string, Effort> efforts;
  double longer = 0;
  for (const auto& [time, key] : ascending) {
    const double by_elements = time * (1 - 1 / kVector), by_single_vectors = time / kVector * kSomeMore;
    if (longer + by_elements <= room) {
      efforts[key] = Effort::least;
      longer += by_elements;
    } else if (longer + by_single_vectors <= room) {
      efforts[key] = Effort::some;
      longer += by_single_vectors;
    } else {
      break;
    }
  }
  return efforts;
}

}  // namespace o2w::codegen
