// Regular expressions as programs over bytes, and programs as tables of a deterministic automaton.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "frontends/onnx/ops/text/regex/syntax.h"
#include "runtime-lib/regex_run.h"

namespace o2w::onnx_frontend::regex {

using o2w::regex::Instruction;

struct Program {
  std::vector<Instruction> instructions;
  int32_t start = 0;
};
// ModelError if it would become too large.
Program program_of(const Tree& tree);

struct Automaton {
  std::vector<uint8_t> classes;    // of all bytes; those of one class are never told apart
  std::vector<uint16_t> table;     // [states, class_count]
  std::vector<uint8_t> accepting;  // by state
  int64_t class_count = 0;
};
// Nothing if there are too many states for a table.
std::optional<Automaton> automaton_of(const Program& program);

}  // namespace o2w::onnx_frontend::regex
