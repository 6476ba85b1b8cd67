// Regular expressions at work on the bytes of a whole text. The compiler makes programs of them, and of a
// program whose automaton is small enough a table. Shared by the runtime library and the compiler.
#pragma once

#include <stdint.h>

namespace o2w::regex {

enum class Op : int32_t {
  match,  // the text so far
  bytes,  // one of a..b, then on to `next`
  split,  // on to `next` and to a
  check,  // on to `next` where condition a holds
  fail,
};
struct Instruction {
  Op op;
  int32_t a, b, next;
};
static_assert(sizeof(Instruction) == 16);

// What may be asked of a place in the text, as bits.
enum Condition : int32_t {
  kTextBegin = 1,
  kTextEnd = 2,
  kLineBegin = 4,
  kLineEnd = 8,
  kWordBoundary = 16,
  kNoWordBoundary = 32,
};

inline bool is_word_byte(int32_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
         byte == '_';
}

// Those that hold between two bytes; -1 is none.
inline int32_t conditions_between(int32_t before, int32_t after) {
  int32_t holding = is_word_byte(before) != is_word_byte(after) ? kWordBoundary : kNoWordBoundary;
  if (before < 0) holding |= kTextBegin;
  if (after < 0) holding |= kTextEnd;
  if (before < 0 || before == '\n') holding |= kLineBegin;
  if (after < 0 || after == '\n') holding |= kLineEnd;
  return holding;
}

// Follows a program from an instruction to all those reached without reading: calls `visit` for each that
// reads; true if a match is among them. `marks` has a cell per instruction, those equal to `mark` have been
// visited; `stack` has room for as many.
template <typename Visit>
bool follow(const Instruction* program, int32_t start, int32_t conditions, int32_t* marks, int32_t mark,
            int32_t* stack, Visit&& visit) {
  bool matched = false;
  int32_t depth = 0;
  const auto push = [&](int32_t target) {
    if (marks[target] == mark) return;
    marks[target] = mark;
    stack[depth++] = target;
  };
  push(start);
  while (depth > 0) {
    const Instruction& instruction = program[stack[--depth]];
    switch (instruction.op) {
      case Op::match:
        matched = true;
        break;
      case Op::bytes:
        visit(instruction);
        break;
      case Op::split:
        push(instruction.a);
        push(instruction.next);
        break;
      case Op::check:
        if (instruction.a & conditions) push(instruction.next);
        break;
      case Op::fail:
        break;
    }
  }
  return matched;
}

// Whether the program matches the whole text, in one pass over all alternatives at once. `space` has room for
// 5 numbers per instruction.
inline bool matches(const Instruction* program, int32_t size, int32_t start, const char* text,
                    uint64_t length, int32_t* space) {
  int32_t *marks = space, *listed = space + size, *stack = space + 2 * size;
  int32_t *current = space + 3 * size, *next = space + 4 * size;
  for (int32_t i = 0; i < 2 * size; ++i) space[i] = -1;
  int32_t count = 1, mark = 0;
  current[0] = start;
  for (uint64_t at = 0;; ++at) {
    const int32_t before = at > 0 ? static_cast<uint8_t>(text[at - 1]) : -1;
    const int32_t after = at < length ? static_cast<uint8_t>(text[at]) : -1;
    const int32_t conditions = conditions_between(before, after);
    bool matched = false;
    int32_t found = 0;
    for (int32_t i = 0; i < count; ++i) {
      matched |= follow(program, current[i], conditions, marks, mark, stack, [&](const Instruction& reads) {
        if (after < reads.a || after > reads.b || listed[reads.next] == mark) return;
        listed[reads.next] = mark;
        next[found++] = reads.next;
      });
    }
    if (at == length) return matched;
    if (found == 0) return false;
    int32_t* spare = current;
    current = next;
    next = spare;
    count = found;
    // Marks of places seen long ago must not come back.
    if (++mark == INT32_MAX) {
      for (int32_t i = 0; i < 2 * size; ++i) space[i] = -1;
      mark = 0;
    }
  }
}

// The same by table: state 0 is where nothing matches any more, state 1 the start.
inline bool matches(const uint8_t* classes, const uint16_t* table, uint32_t class_count,
                    const uint8_t* accepting, const char* text, uint64_t length) {
  uint32_t state = 1;
  for (uint64_t at = 0; at < length && state != 0; ++at)
    state = table[state * class_count + classes[static_cast<uint8_t>(text[at])]];
  return accepting[state] != 0;
}

}  // namespace o2w::regex
