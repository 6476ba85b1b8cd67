#include "runtime-lib/time_warping.h"

#include "compiler/eval/routines.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::Tensor;

std::vector<Tensor> warp(const RoutineCall& call) {
  const Tensor& costs = *call.inputs.at(0);
  const auto rows = static_cast<uint32_t>(costs.dims().at(0)),
             columns = static_cast<uint32_t>(costs.dims().at(1));
  std::vector<std::pair<uint32_t, uint32_t>> points;  // from the end
  if (rows > 0 && columns > 0) {
    std::vector<float> sums(std::size_t{rows} + 1);
    std::vector<uint8_t> steps(std::size_t{rows} * columns);
    time_warping::warp(costs.data<float>(), rows, columns, sums.data(), steps.data(),
                       [&](uint32_t, uint32_t row, uint32_t column) { points.emplace_back(row, column); });
  }
  const auto length = static_cast<int64_t>(points.size());
  Tensor path(DType::i32, {2, length});
  for (int64_t k = 0; k < length; ++k) {
    path.set_int(length - 1 - k, points[static_cast<std::size_t>(k)].first);
    path.set_int(2 * length - 1 - k, points[static_cast<std::size_t>(k)].second);
  }
  return {path};
}

const RegisterRoutine routine("time_warping", warp);

}  // namespace
}  // namespace o2w::eval
