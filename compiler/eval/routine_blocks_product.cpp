// The products with matrices packed in blocks (runtime-lib/routines.h).
#include <cstring>

#include "compiler/eval/routines.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::Tensor;

float float_at(const uint8_t* bytes) {
  float value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// The weights as [k][n].
std::vector<float> unpacked(const uint8_t* bytes, int64_t bits, bool float_zeros, int64_t block, int64_t k,
                            int64_t n) {
  constexpr int64_t kColumns = 8;
  std::vector<float> result(static_cast<std::size_t>(k * n));
  const int64_t per_byte = 8 / bits, head = kColumns * (float_zeros ? 8 : 5),
                data = block / per_byte * kColumns;
  for (int64_t panel = 0; panel * kColumns < n; ++panel) {
    for (int64_t start = 0; start < k; start += block, bytes += head + data) {
      for (int64_t i = start; i < std::min(start + block, k); ++i) {
        for (int64_t lane = 0; lane < kColumns && panel * kColumns + lane < n; ++lane) {
          const int64_t at = i - start;
          const uint8_t packed = bytes[head + at / per_byte * kColumns + lane];
          const int number = (packed >> (at % per_byte * bits)) & ((1 << bits) - 1);
          const float zero = float_zeros ? float_at(bytes + 4 * (kColumns + lane))
                                         : static_cast<float>(bytes[4 * kColumns + lane]);
          result[static_cast<std::size_t>(i * n + panel * kColumns + lane)] =
              (static_cast<float>(number) - zero) * float_at(bytes + 4 * lane);
        }
      }
    }
  }
  return result;
}

std::vector<Tensor> product(const RoutineCall& call, int64_t bits, bool float_zeros) {
  const int64_t block = call.integer(0), k = call.integer(1), n = call.integer(2);
  const std::vector<float> weights = unpacked(call.inputs[1]->bytes(), bits, float_zeros, block, k, n);
  Tensor y(DType::f32, call.output_sizes[0]);
  const auto* a = call.inputs[0]->data<float>();
  const auto* bias = call.inputs.size() > 2 ? call.inputs[2]->data<float>() : nullptr;
  auto* out = y.mutable_data<float>();
  for (int64_t row = 0; n > 0 && row < y.count() / n; ++row) {
    for (int64_t column = 0; column < n; ++column) {
      float sum = 0;
      for (int64_t i = 0; i < k; ++i)
        sum += a[row * k + i] * weights[static_cast<std::size_t>(i * n + column)];
      out[row * n + column] = bias != nullptr ? sum + bias[column] : sum;
    }
  }
  return {std::move(y)};
}

const RegisterRoutine bits2("blocks_product_2", [](const RoutineCall& c) { return product(c, 2, false); });
const RegisterRoutine bits4("blocks_product_4", [](const RoutineCall& c) { return product(c, 4, false); });
const RegisterRoutine bits8("blocks_product_8", [](const RoutineCall& c) { return product(c, 8, false); });
const RegisterRoutine bits2_float("blocks_product_2_float_zeros",
                                  [](const RoutineCall& c) { return product(c, 2, true); });
const RegisterRoutine bits4_float("blocks_product_4_float_zeros",
                                  [](const RoutineCall& c) { return product(c, 4, true); });
const RegisterRoutine bits8_float("blocks_product_8_float_zeros",
                                  [](const RoutineCall& c) { return product(c, 8, true); });

}  // namespace
}  // namespace o2w::eval
