// The messages of a model's run-time errors, which name its nodes and tensors and so repeat much of one
// another, as a grammar (Larsson and Moffat, "Offline dictionary-based compression", 1999): what occurs in
// several places is a phrase, and messages and phrases consist of bytes and of other phrases. How they are
// written: runtime-lib/model_abi.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace o2w::package {

struct MessageTable {
  std::vector<uint8_t> bytes;  // the phrases, then the messages
  uint32_t phrase_count = 0;
};

// Messages end before a NUL.
MessageTable make_message_table(const std::vector<std::string>& messages);

}  // namespace o2w::package
