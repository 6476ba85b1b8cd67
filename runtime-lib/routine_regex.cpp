#include "runtime-lib/regex_run.h"
#include "runtime-lib/routines.h"
#include "runtime-lib/strings.h"

O2W_ROUTINE(match_table) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const auto* classes = at<const uint8_t>(args[1].data);
  const auto* table = at<const uint16_t>(args[2].data);
  const auto* accepting = at<const uint8_t>(args[3].data);
  auto* y = at<uint8_t>(args[4].data);
  const uint64_t count = element_count(args[0]);
  for (uint64_t i = 0; i < count; ++i) {
    y[i] = o2w::regex::matches(classes, table, static_cast<uint32_t>(args[2].dims[1]), accepting,
                               bytes_of(x[i]), x[i].length);
  }
  return o2w::abi::kSuccess;
}

O2W_ROUTINE(match_program) {
  using namespace o2w::runtime;
  const String* x = strings_of(args[0]);
  const auto* program = at<const o2w::regex::Instruction>(args[1].data);
  const int32_t size = args[1].dims[0];
  auto* y = at<uint8_t>(args[2].data);
  const uint64_t count = element_count(args[0]);
  const Scratch space(static_cast<uint32_t>(size) * uint64_t{5 * sizeof(int32_t)});
  if (!space) return o2w::abi::kTooLarge;
  for (uint64_t i = 0; i < count; ++i) {
    y[i] = o2w::regex::matches(program, size, static_cast<int32_t>(ints[0]), bytes_of(x[i]), x[i].length,
                               space.data<int32_t>());
  }
  return o2w::abi::kSuccess;
}
