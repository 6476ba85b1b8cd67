#include "runtime-lib/number_text.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/strings.h"
#include "runtime-lib/text.h"

O2W_ROUTINE(string_from_number) {
  using namespace o2w::runtime;
  const auto& x = args[0];
  String* y = strings_of(args[1]);
  const uint64_t count = element_count(x);
  for (uint64_t i = 0; i < count; ++i) {
    o2w::NumberWriter writer;
    switch (dtype_of(x)) {
      case DType::f64:
        writer.put(at<const double>(x.data)[i], static_cast<int>(ints[0]));
        break;
      case DType::u64:
        writer.put(at<const uint64_t>(x.data)[i]);
        break;
      default:
        writer.put(at<const int64_t>(x.data)[i]);
        break;
    }
    if (!intern(writer.text(), static_cast<uint64_t>(writer.length()), y[i])) return o2w::abi::kTooLarge;
  }
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(number_from_string) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const auto& y = args[1];
  const uint64_t count = element_count(y);
  for (uint64_t i = 0; i < count; ++i) {
    o2w::NumberReader reader(bytes_of(x[i]), x[i].length);
    bool good = false;
    switch (dtype_of(y)) {
      case DType::f64:
        good = reader.read(at<double>(y.data)[i]);
        break;
      case DType::u64:
        good = reader.read(at<uint64_t>(y.data)[i]);
        break;
      default:
        good = reader.read(at<int64_t>(y.data)[i]);
        break;
    }
    if (!good) {
      ErrorText() << "element " << i << " of a string tensor cannot be read as a number of "
                  << (dtype_of(y) == DType::f64 ? "floating point" : "64 bits");
      return o2w::abi::kRuntimeError;
    }
  }
  return o2w::abi::kSuccess;
}
