// Strings put together and taken apart.
#include "runtime-lib/routines.h"
#include "runtime-lib/split_text.h"
#include "runtime-lib/strings.h"

O2W_ROUTINE(string_concat) {
  using namespace o2w::runtime;
  const String* a = strings_of(args[0]);
  const String* b = strings_of(args[1]);
  String* y = strings_of(args[2]);
  const uint64_t count = element_count(args[2]);
  TextBuffer text;
  for (uint64_t i = 0; i < count; ++i) {
    if (a[i].length == 0 || b[i].length == 0) {
      y[i] = a[i].length ? a[i] : b[i];
      continue;
    }
    text.clear();
    const bool good = text.append(bytes_of(a[i]), a[i].length) && text.append(bytes_of(b[i]), b[i].length) &&
                      text.intern(y[i]);
    if (!good) return o2w::abi::kTooLarge;
  }
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(string_split_count) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const String delimiter = strings_of(args[1])[0];
  auto* y = at<int64_t>(args[2].data);
  const uint64_t count = element_count(args[2]);
  for (uint64_t i = 0; i < count; ++i) {
    int64_t parts = 0;
    o2w::split_text(bytes_of(x[i]), x[i].length, bytes_of(delimiter), delimiter.length, ints[0],
                    [&](const char*, uint64_t) { ++parts; });
    y[i] = parts;
  }
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(string_split) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const String delimiter = strings_of(args[1])[0];
  String* y = strings_of(args[2]);
  const uint64_t count = element_count(args[0]);
  const auto width = static_cast<uint32_t>(args[2].dims[args[2].rank - 1]);
  bool good = true;
  for (uint64_t i = 0; i < count; ++i) {
    String* parts = y + i * width;
    uint64_t made = 0;
    o2w::split_text(bytes_of(x[i]), x[i].length, bytes_of(delimiter), delimiter.length, ints[0],
                    [&](const char* part, uint64_t length) {
                      if (made < width) good = good && intern(part, length, parts[made++]);
                    });
    if (!good) return o2w::abi::kTooLarge;
    for (; made < width; ++made) parts[made] = {};
  }
  return o2w::abi::kSuccess;
}
