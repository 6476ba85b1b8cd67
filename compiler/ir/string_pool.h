// The strings of this process's string tensors. A string is known by its handle; equal strings have equal
// handles, so that whatever moves elements about or asks whether two are equal need not know that they are
// strings. Handle 0 is the empty string: zero-filled memory holds empty strings, here as in modules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace o2w::ir {

uint64_t string_handle(std::string_view text);
// Stays where it is for the life of the process.
const std::string& string_of(uint64_t handle);

}  // namespace o2w::ir
