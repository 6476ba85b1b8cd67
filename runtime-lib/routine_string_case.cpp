#include "runtime-lib/letter_case.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/strings.h"
#include "runtime-lib/text.h"
#include "runtime-lib/utf8.h"

O2W_ROUTINE(string_case) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const auto* ranges = at<const o2w::CaseRange>(args[1].data);
  const auto range_count = static_cast<uint32_t>(args[1].dims[0]);
  String* y = strings_of(args[2]);
  const uint64_t count = element_count(args[0]);
  TextBuffer text;
  for (uint64_t i = 0; i < count; ++i) {
    text.clear();
    const char* from = bytes_of(x[i]);
    const char* end = from + x[i].length;
    while (from < end) {
      const int32_t code = o2w::decode_utf8(from, end);
      if (code < 0) {
        ErrorText() << "element " << i << " of a string tensor is no valid UTF-8";
        return o2w::abi::kRuntimeError;
      }
      char bytes[4];
      const int length = o2w::encode_utf8(o2w::mapped_case(ranges, range_count, code), bytes);
      if (!text.append(bytes, static_cast<uint64_t>(length))) return o2w::abi::kTooLarge;
    }
    if (!text.intern(y[i])) return o2w::abi::kTooLarge;
  }
  return o2w::abi::kSuccess;
}
