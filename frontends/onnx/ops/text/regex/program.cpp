// The program is written from its end: what comes after a part is known when the part is translated, so that
// equal continuations are one instruction.
#include "frontends/onnx/ops/text/regex/program.h"

#include <array>
#include <map>

#include "compiler/support/error.h"
#include "runtime-lib/utf8.h"

namespace o2w::onnx_frontend::regex {
namespace {

using o2w::regex::Op;
using Kind = Tree::Kind;

constexpr std::size_t kMostInstructions = 200'000;

class Translation {
 public:
  Program run(const Tree& tree) {
    const int32_t match = add({Op::match, 0, 0, 0});
    const int32_t start = translate(tree, match);
    return {std::move(instructions_), start};
  }

 private:
  int32_t add(const Instruction& instruction) {
    if (instructions_.size() >= kMostInstructions)
      fail_model("the regular expression is too large: it takes more than {} steps", kMostInstructions);
    instructions_.push_back(instruction);
    return static_cast<int32_t>(instructions_.size()) - 1;
  }
  int32_t split(int32_t a, int32_t b) { return a == b ? a : add({Op::split, a, 0, b}); }
  int32_t bytes(int32_t first, int32_t last, int32_t next) {
    const auto [known, is_new] = bytes_.try_emplace({first, last, next}, 0);
    if (is_new) known->second = add({Op::bytes, first, last, next});
    return known->second;
  }

  int32_t translate(const Tree& tree, int32_t next) {
    const auto assertion = [&](o2w::regex::Condition condition) {
      return add({Op::check, condition, 0, next});
    };
    switch (tree.kind) {
      case Kind::empty:
        return next;
      case Kind::characters:
        return characters(tree.ranges, next);
      case Kind::byte:
        return bytes(0, 255, next);
      case Kind::sequence:
        for (auto part = tree.parts.rbegin(); part != tree.parts.rend(); ++part)
          next = translate(**part, next);
        return next;
      case Kind::choice: {
        int32_t result = translate(*tree.parts.back(), next);
        for (std::size_t i = tree.parts.size() - 1; i-- > 0;)
          result = split(translate(*tree.parts[i], next), result);
        return result;
      }
      case Kind::repetition:
        return repetition(tree, next);
      case Kind::text_begin:
        return assertion(o2w::regex::kTextBegin);
      case Kind::text_end:
        return assertion(o2w::regex::kTextEnd);
      case Kind::line_begin:
        return assertion(o2w::regex::kLineBegin);
      case Kind::line_end:
        return assertion(o2w::regex::kLineEnd);
      case Kind::word_boundary:
        return assertion(o2w::regex::kWordBoundary);
      case Kind::no_word_boundary:
        return assertion(o2w::regex::kNoWordBoundary);
    }
    fail_internal("a part of a regular expression that is none");
  }

  int32_t repetition(const Tree& tree, int32_t next) {
    const Tree& part = *tree.parts[0];
    int32_t result = next;
    if (tree.most < 0) {
      result = add({Op::split, next, 0, next});
      const int32_t body = translate(part, result);
      instructions_[static_cast<std::size_t>(result)].next = body;
    } else {
      for (int i = tree.least; i < tree.most; ++i) result = split(translate(part, result), next);
    }
    for (int i = 0; i < tree.least; ++i) result = translate(part, result);
    return result;
  }

  // --- Ranges of code points as sequences of ranges of bytes.

  int32_t characters(const Ranges& ranges, int32_t next) {
    int32_t result = -1;
    const auto alternative = [&](int32_t start) { result = result < 0 ? start : split(start, result); };
    // The last code points of 1, 2, 3 and 4 bytes; surrogates have no UTF-8.
    constexpr std::array<Range, 5> kForms = {
        {{0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}}};
    for (const Range& range : ranges) {
      for (const Range& form : kForms) {
        const Range part{std::max(range.first, form.first), std::min(range.last, form.last)};
        if (part.first <= part.last) encode(part, next, alternative);
      }
    }
    return result < 0 ? add({Op::fail, 0, 0, 0}) : result;
  }

  // A range within which all code points have as many bytes: cut where it is not a product of ranges of
  // bytes.
  template <typename Alternative>
  void encode(const Range& range, int32_t next, Alternative&& alternative) {
    char low[4], high[4];
    const int length = encode_utf8(range.first, low);
    encode_utf8(range.last, high);
    for (int i = 1; i < length; ++i) {
      // The last i bytes: free if the bytes before them agree, or if they run through all their values.
      const int32_t mask = (1 << (6 * i)) - 1;
      if ((range.first & ~mask) == (range.last & ~mask)) continue;
      if ((range.first & mask) != 0) {
        encode({range.first, range.first | mask}, next, alternative);
        encode({(range.first | mask) + 1, range.last}, next, alternative);
        return;
      }
      if ((range.last & mask) != mask) {
        encode({range.first, (range.last & ~mask) - 1}, next, alternative);
        encode({range.last & ~mask, range.last}, next, alternative);
        return;
      }
    }
    int32_t start = next;
    for (int i = length; i-- > 0;)
      start = bytes(static_cast<uint8_t>(low[i]), static_cast<uint8_t>(high[i]), start);
    alternative(start);
  }

  std::vector<Instruction> instructions_;
  std::map<std::array<int32_t, 3>, int32_t> bytes_;
};

}  // namespace

Program program_of(const Tree& tree) { return Translation().run(tree); }

}  // namespace o2w::onnx_frontend::regex
