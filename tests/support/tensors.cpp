#include "tests/support/tensors.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "frontends/onnx/model.h"

namespace o2w::test {

using ir::DType;
using ir::Tensor;

Tensor load_tensor(const std::string& path) {
  Diagnostics diagnostics;
  Result<Tensor> tensor = onnx_frontend::read_tensor_file(path, diagnostics);
  if (!tensor) throw std::runtime_error(diagnostics.to_string());
  return std::move(*tensor);
}

Tensor load_value(const std::string& path, const onnx_frontend::TypeDef& type) {
  Diagnostics diagnostics;
  Result<Tensor> value = onnx_frontend::read_value_file(path, type, diagnostics);
  if (!value) throw std::runtime_error(diagnostics.to_string());
  return std::move(*value);
}

std::string to_string(const std::vector<int64_t>& dims) { return fmt::format("[{}]", fmt::join(dims, ", ")); }

namespace {

// How far an element is off, in multiples of what is allowed: above 1 is a difference.
double excess(double got, double expected, const Tolerance& tolerance) {
  if (std::isnan(got) || std::isnan(expected)) return std::isnan(got) && std::isnan(expected) ? 0 : HUGE_VAL;
  if (got == expected) return 0;
  if (std::isinf(got) || std::isinf(expected)) return HUGE_VAL;
  const double allowed = tolerance.absolute + tolerance.relative * std::abs(expected);
  return allowed > 0 ? std::abs(got - expected) / allowed : HUGE_VAL;
}

std::optional<std::string> float_difference(const Tensor& got, const Tensor& expected,
                                            const Tolerance& tolerance) {
  int64_t wrong = 0, worst = 0;
  double most = 1;
  for (int64_t i = 0; i < expected.count(); ++i) {
    const double over = excess(got.as_double(i), expected.as_double(i), tolerance);
    if (over <= 1) continue;
    ++wrong;
    if (over > most) {
      most = over;
      worst = i;
    }
  }
  if (wrong == 0) return std::nullopt;
  return fmt::format("{} of {} elements differ, most of all element {}: got {:.9g}, expected {:.9g}", wrong,
                     expected.count(), worst, got.as_double(worst), expected.as_double(worst));
}

std::optional<std::string> exact_difference(const Tensor& got, const Tensor& expected) {
  int64_t wrong = 0, first = -1;
  for (int64_t i = 0; i < expected.count(); ++i) {
    if (got.as_int(i) == expected.as_int(i)) continue;
    if (wrong++ == 0) first = i;
  }
  if (wrong == 0) return std::nullopt;
  return fmt::format("{} of {} elements differ, first element {}: got {}, expected {}", wrong,
                     expected.count(), first, got.as_int(first), expected.as_int(first));
}

std::optional<std::string> list_difference(const Tensor& got, const Tensor& expected,
                                           const Tolerance& tolerance) {
  const auto &ours = got.elements(), &wanted = expected.elements();
  if (ours.size() != wanted.size()) {
    return fmt::format("got a list of {} elements, expected {}", ours.size(), wanted.size());
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (const auto found = difference(ours[i], wanted[i], tolerance))
      return fmt::format("element {}: {}", i, *found);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> difference(const Tensor& got, const Tensor& expected, const Tolerance& tolerance) {
  if (got.type() != expected.type()) {
    return fmt::format("got type {}, expected {}", ir::user_name(got.type()), ir::user_name(expected.type()));
  }
  if (got.dims() != expected.dims()) {
    return fmt::format("got shape {}, expected {}", to_string(got.dims()), to_string(expected.dims()));
  }
  if (expected.type() == DType::list) return list_difference(got, expected, tolerance);
  if (expected.type() == DType::string) {
    return got.strings() == expected.strings() ? std::nullopt
                                               : std::optional<std::string>("the strings differ");
  }
  if (expected.type() == DType::c64 || expected.type() == DType::c128) {
    const DType part = expected.type() == DType::c64 ? DType::f32 : DType::f64;
    auto parts = [&](const Tensor& tensor) {
      return Tensor(part, {tensor.count() * 2}, {tensor.bytes(), tensor.bytes() + tensor.byte_count()});
    };
    return float_difference(parts(got), parts(expected), tolerance);
  }
  return ir::is_float(expected.type()) ? float_difference(got, expected, tolerance)
                                       : exact_difference(got, expected);
}

}  // namespace o2w::test
