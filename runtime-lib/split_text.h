// The parts of a text between delimiters, as StringSplit wants them. Shared by the runtime library and the
// compiler's evaluator.
#pragma once

#include <stdint.h>

namespace o2w {

inline bool text_at(const char* text, uint64_t position, uint64_t length, const char* part,
                    uint64_t part_length) {
  if (part_length > length - position) return false;
  for (uint64_t i = 0; i < part_length; ++i) {
    if (text[position + i] != part[i]) return false;
  }
  return true;
}

// Calls `part(begin, length)` for every part, at most `most_splits` + 1 of them (negative: all). An empty
// delimiter means runs of spaces, and then spaces at the ends do not count.
template <typename Part>
void split_text(const char* text, uint64_t length, const char* delimiter, uint64_t delimiter_length,
                int64_t most_splits, Part&& part) {
  if (length == 0) return;
  uint64_t at = 0;
  if (delimiter_length == 0) {
    while (length > 0 && text[length - 1] == ' ') --length;
    for (int64_t splits = 0;; ++splits) {
      while (at < length && text[at] == ' ') ++at;
      if (at == length) return;
      uint64_t end = at;
      if (splits == most_splits) {
        end = length;
      } else {
        while (end < length && text[end] != ' ') ++end;
      }
      part(text + at, end - at);
      at = end;
    }
  }
  for (int64_t splits = 0;; ++splits) {
    uint64_t end = at;
    if (splits == most_splits) {
      end = length;
    } else {
      while (end < length && !text_at(text, end, length, delimiter, delimiter_length)) ++end;
    }
    part(text + at, end - at);
    if (end == length) return;
    at = end + delimiter_length;
  }
}

}  // namespace o2w
