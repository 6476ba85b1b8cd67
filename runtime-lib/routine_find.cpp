#include "runtime-lib/key_table.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/strings.h"

O2W_ROUTINE(find_string) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const auto* keys = at<const uint64_t>(args[1].data);
  const auto* slots = at<const int32_t>(args[2].data);
  const auto slot_count = static_cast<uint32_t>(args[2].dims[0]);
  auto* y = at<int64_t>(args[3].data);
  const uint64_t count = element_count(args[0]);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t handle = at<const uint64_t>(args[0].data)[i];
    y[i] = o2w::find_key(slots, slot_count, o2w::string_hash(bytes_of(x[i]), x[i].length),
                         [&](int32_t number) { return keys[number] == handle; });
  }
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(find_number) {
  using namespace o2w::runtime;
  const auto* x = at<const uint64_t>(args[0].data);
  const auto* keys = at<const uint64_t>(args[1].data);
  const auto* slots = at<const int32_t>(args[2].data);
  const auto slot_count = static_cast<uint32_t>(args[2].dims[0]);
  auto* y = at<int64_t>(args[3].data);
  const uint64_t count = element_count(args[0]);
  for (uint64_t i = 0; i < count; ++i) {
    y[i] = o2w::find_key(slots, slot_count, o2w::key_hash(x[i]),
                         [&](int32_t number) { return keys[number] == x[i]; });
  }
  return o2w::abi::kSuccess;
}
