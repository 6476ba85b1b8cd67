// Regular expressions as RE2 writes them, as trees. A whole text is matched, so groups capture nothing and
// greedy and lazy repetition are the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace o2w::onnx_frontend::regex {

struct Range {
  int32_t first = 0, last = 0;
};
using Ranges = std::vector<Range>;

struct Tree;
using TreePtr = std::unique_ptr<Tree>;

struct Tree {
  enum class Kind : uint8_t {
    empty,       // matches the empty text
    characters,  // one code point of `ranges` (none: matches nothing)
    byte,        // any byte
    sequence,    // parts, one after the other
    choice,      // one of the parts
    repetition,  // parts[0], least to most times
    text_begin,
    text_end,
    line_begin,  // at the beginning, or behind a newline
    line_end,    // at the end, or before a newline
    word_boundary,
    no_word_boundary,
  } kind = Kind::empty;
  Ranges ranges;
  std::vector<TreePtr> parts;
  int least = 0, most = 0;  // most -1: any number
};

// ModelError, saying what is wrong and where, for what RE2 does not accept either.
TreePtr parse(const std::string& pattern);

}  // namespace o2w::onnx_frontend::regex
