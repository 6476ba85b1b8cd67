#include "compiler/schedule/kernel_alternatives.h"

#include <fmt/format.h>

#include <limits>

#include "compiler/schedule/kernel_costs.h"
#include "compiler/schedule/kernel_shapes.h"

namespace o2w::schedule {
namespace {

std::string text(const ir::Dim& dim) { return dim.to_string(); }

std::string site(const Conv2d& c) {
  return fmt::format("conv2d {}x{}x{}x{} to {}x{}x{} window {}x{} stride {}x{} dilation {}x{} groups {}",
                     text(c.n), text(c.h), text(c.w), text(c.c), text(c.oh), text(c.ow), text(c.m), c.kh,
                     c.kw, c.stride_h, c.stride_w, c.dilation_h, c.dilation_w, c.group);
}

std::string site(const Matmul& m) {
  std::string name = fmt::format("matmul {}x{}x{}", text(m.m), text(m.n), text(m.k));
  for (const BatchLoop& loop : m.batch) name += " by " + text(loop.extent);
  if (m.rhs != Matmul::Rhs::packed) name += m.rhs == Matmul::Rhs::rows ? " of rows" : " of columns";
  return name;
}

bool allows_winograd(const Conv2d& kernel) {
  return kernel.factors == Factors::f32 && kernel.group == 1 && (kernel.kh == 3 || kernel.kh == 5) &&
         kernel.kw == kernel.kh && kernel.stride_h == 1 && kernel.stride_w == 1 && kernel.dilation_h == 1 &&
         kernel.dilation_w == 1 && kernel.c.is_constant() && kernel.m.is_constant();
}

// Tiles of packed rows are whole, so a row alone would cost as much as four: there is a kernel for one row of
// f32, and integers must be known to have rows enough.
bool allows_packing(const Matmul& kernel) {
  const bool has_rows = kernel.factors == Factors::f32 ? kernel.m.upper() > 1 : kernel.m.lower() >= 4,
             has_columns =
                 kernel.rhs == Matmul::Rhs::packed ? kernel.n.is_constant() : kernel.factors == Factors::f32;
  return has_rows && has_columns && kernel.k.is_constant() && kernel.k.value() > 0;
}

// Kernels for few columns of packed weights exist for packed rows alone.
bool is_narrow(const Matmul& kernel) {
  return kernel.factors == Factors::f32 && kernel.rhs == Matmul::Rhs::packed &&
         kernel.n.value() <= kNarrowColumns;
}

std::vector<Conv2d> ways_of(const Conv2d& kernel) {
  std::vector<Conv2d> ways{kernel, kernel};
  ways[0].algorithm = Conv2d::Algorithm::windows;
  ways[1].algorithm = Conv2d::Algorithm::winograd;
  return ways;
}

std::vector<Matmul> ways_of(const Matmul& kernel) {
  std::vector<Matmul> ways{kernel, kernel};
  ways[0].pack_lhs = false;
  ways[1].pack_lhs = true;
  return ways;
}

template <typename T>
std::vector<std::string> names_of(const std::vector<T>& ways) {
  std::vector<std::string> names;
  for (const T& way : ways) names.push_back(algorithm_of(way));
  return names;
}

template <typename T>
void choose(T& kernel, const std::vector<T>& ways, const KernelChoices& choices) {
  const auto named = [&](const std::string& where) {
    const auto choice = choices.find(where);
    if (choice == choices.end()) return false;
    for (const T& way : ways) {
      if (algorithm_of(way) != choice->second) continue;
      kernel = way;
      return true;
    }
    return false;
  };
  if (named(site(kernel)) || named("*")) return;
  double least = std::numeric_limits<double>::infinity();
  for (const T& way : ways) {
    const double cost = cost_of(work_of(way));
    if (cost >= least) continue;
    least = cost;
    kernel = way;
  }
}

}  // namespace

std::string algorithm_of(const Conv2d& kernel) {
  switch (kernel.algorithm) {
    case Conv2d::Algorithm::depthwise:
      return "depthwise";
    case Conv2d::Algorithm::winograd:
      return fmt::format("winograd_{0}x{0}", winograd_outputs(kernel.kh));
    case Conv2d::Algorithm::windows:
      break;
  }
  return "windows";
}

std::string algorithm_of(const Matmul& kernel) { return kernel.pack_lhs ? "packed" : "direct"; }

std::string site_of(const Kernel& kernel) {
  if (const auto* conv = std::get_if<Conv2d>(&kernel)) return allows_winograd(*conv) ? site(*conv) : "";
  const auto* matmul = std::get_if<Matmul>(&kernel);
  return matmul != nullptr && allows_packing(*matmul) && !is_narrow(*matmul) ? site(*matmul) : "";
}

std::vector<std::string> alternatives_of(const Kernel& kernel) {
  if (site_of(kernel).empty()) return {};
  if (const auto* conv = std::get_if<Conv2d>(&kernel)) return names_of(ways_of(*conv));
  return names_of(ways_of(std::get<Matmul>(kernel)));
}

void choose_algorithm(Conv2d& kernel, const KernelChoices& choices, bool exact) {
  if (exact || !allows_winograd(kernel)) return;
  choose(kernel, ways_of(kernel), choices);
}

void choose_algorithm(Matmul& kernel, const KernelChoices& choices) {
  if (!allows_packing(kernel)) return;
  if (is_narrow(kernel)) {
    kernel.pack_lhs = true;
    return;
  }
  choose(kernel, ways_of(kernel), choices);
}

}  // namespace o2w::schedule
