#include "frontends/onnx/ops/text/regex/syntax.h"

#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/ops/text/regex/characters.h"
#include "runtime-lib/utf8.h"

namespace o2w::onnx_frontend::regex {
namespace {

using Kind = Tree::Kind;

constexpr int kMostRepeats = 1000;
constexpr int kDeepest = 1000;
constexpr int32_t kLargest = 0x10ffff;

TreePtr leaf(Kind kind) {
  auto tree = std::make_unique<Tree>();
  tree->kind = kind;
  return tree;
}

struct Flags {
  bool fold_case = false, multi_line = false, dot_is_any = false, swap_greed = false;
};

const Ranges kDigits = {{'0', '9'}};
const Ranges kSpaces = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(int32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const Ranges* posix_class(const std::string& name) {
  static const std::pair<const char*, Ranges> classes[] = {
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 0x7f}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
      {"digit", kDigits},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", kWord},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  for (const auto& [known, ranges] : classes) {
    if (name == known) return &ranges;
  }
  return nullptr;
}

class Parser {
 public:
  explicit Parser(const std::string& pattern) : text_(pattern) {}

  TreePtr run() {
    TreePtr tree = choice();
    if (!done()) fail("a ) without a (");
    return tree;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    fail_model("the regular expression '{}' has {} at byte {}", text_, what, at_);
  }

  bool done() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool ahead(const char* what) const {
    return text_.compare(at_, std::char_traits<char>::length(what), what) == 0;
  }
  bool accept(const char* what) {
    if (!ahead(what)) return false;
    at_ += std::char_traits<char>::length(what);
    return true;
  }
  int32_t code_point() {
    if (done()) fail("an end that is missing something");
    const char* from = text_.data() + at_;
    const char* start = from;
    const int32_t code = decode_utf8(from, text_.data() + text_.size());
    if (code < 0) fail("bytes that are no UTF-8");
    at_ += static_cast<std::size_t>(from - start);
    return code;
  }

  // --- Structure.

  TreePtr choice() {
    if (++depth_ > kDeepest) fail("too many nested groups");
    const Flags outer = flags_;
    auto tree = leaf(Kind::choice);
    tree->parts.push_back(sequence());
    while (accept("|")) tree->parts.push_back(sequence());
    flags_ = outer;
    --depth_;
    return tree->parts.size() == 1 ? std::move(tree->parts[0]) : std::move(tree);
  }

  TreePtr sequence() {
    auto tree = leaf(Kind::sequence);
    bool repeatable = false;
    while (!done() && peek() != '|' && peek() != ')') {
      if (accept("\\Q")) {
        while (!done() && !accept("\\E")) {
          tree->parts.push_back(literal(code_point()));
          repeatable = true;
        }
        continue;
      }
      int least = 0, most = 0;
      if (repetition(least, most)) {
        if (!repeatable) fail("a repetition of nothing");
        accept("?");  // lazy: the same for a whole match
        repeat(*tree, least, most);
        repeatable = false;
        continue;
      }
      TreePtr part = atom();
      repeatable = part != nullptr;
      if (part) tree->parts.push_back(std::move(part));
    }
    return tree;
  }

  void repeat(Tree& sequence, int least, int most) {
    auto tree = leaf(Kind::repetition);
    tree->least = least;
    tree->most = most;
    tree->parts.push_back(std::move(sequence.parts.back()));
    sequence.parts.back() = std::move(tree);
  }

  bool repetition(int& least, int& most) {
    most = -1;
    if (accept("*")) {
      least = 0;
    } else if (accept("+")) {
      least = 1;
    } else if (accept("?")) {
      least = 0;
      most = 1;
    } else {
      return counted(least, most);
    }
    return true;
  }

  // {n}, {n,} or {n,m}; anything else that begins with { is a literal.
  bool counted(int& least, int& most) {
    if (peek() != '{') return false;
    const std::size_t before = at_++;
    const auto number = [&](int& value) {
      if (!is_digit(peek())) return false;
      for (value = 0; is_digit(peek()); ++at_)
        value = value > kMostRepeats ? value : 10 * value + (peek() - '0');
      return true;
    };
    bool good = number(least);
    most = least;
    if (good && accept(",")) {
      most = -1;
      if (peek() != '}') good = number(most);
    }
    if (!good || !accept("}")) {
      at_ = before;
      return false;
    }
    if (least > kMostRepeats || most > kMostRepeats || (most >= 0 && most < least))
      fail("a repetition whose numbers are out of order or above 1000");
    return true;
  }

  // Null for what only sets flags.
  TreePtr atom() {
    switch (peek()) {
      case '(':
        return group();
      case '[':
        return characters(bracket());
      case '.':
        ++at_;
        return characters(flags_.dot_is_any ? Ranges{{0, kLargest}}
                                            : Ranges{{0, '\n' - 1}, {'\n' + 1, kLargest}});
      case '^':
        ++at_;
        return leaf(flags_.multi_line ? Kind::line_begin : Kind::text_begin);
      case '$':
        ++at_;
        return leaf(flags_.multi_line ? Kind::line_end : Kind::text_end);
      case '\\':
        return escape();
      default:
        return literal(code_point());
    }
  }

  TreePtr group() {
    ++at_;
    if (accept("?")) {
      if (ahead("P<") || (ahead("<") && peek(1) != '=' && peek(1) != '!')) {
        accept("P");
        ++at_;
        const std::size_t begin = at_;
        while (is_word(peek())) ++at_;
        if (at_ == begin || !accept(">")) fail("a group with a bad name");
      } else {
        const Flags outer = flags_;
        if (!group_flags()) return nullptr;  // until the end of the group around
        TreePtr tree = choice();
        flags_ = outer;
        if (!accept(")")) fail("a ( without a )");
        return tree;
      }
    }
    TreePtr tree = choice();
    if (!accept(")")) fail("a ( without a )");
    return tree;
  }

  // Behind "(?": the flags, until ":" (true: a group begins) or ")".
  bool group_flags() {
    bool value = true, any = false;
    for (;;) {
      if (done()) fail("a ( without a )");
      const char letter = text_[at_++];
      switch (letter) {
        case 'i':
          flags_.fold_case = value;
          break;
        case 'm':
          flags_.multi_line = value;
          break;
        case 's':
          flags_.dot_is_any = value;
          break;
        case 'U':
          flags_.swap_greed = value;
          break;
        case '-':
          if (!value) fail("a group with two signs before its flags");
          value = false;
          any = false;
          continue;
        case ':':
        case ')':
          if (!value && !any) fail("a group with a sign and no flags");
          return letter == ':';
        default:
          --at_;
          fail("a kind of group that RE2 does not have (look-around and back-references are none of its)");
      }
      any = true;
    }
  }

  // --- Characters.

  TreePtr characters(Ranges ranges) {
    auto tree = leaf(Kind::characters);
    tree->ranges = std::move(ranges);
    return tree;
  }

  TreePtr literal(int32_t code) {
    const Ranges one = {{code, code}};
    return characters(flags_.fold_case ? with_both_cases(one) : one);
  }

  TreePtr escape() {
    const auto simple = [&](const char* what, Kind kind) { return accept(what) ? leaf(kind) : nullptr; };
    if (TreePtr tree = simple("\\A", Kind::text_begin)) return tree;
    if (TreePtr tree = simple("\\z", Kind::text_end)) return tree;
    if (TreePtr tree = simple("\\b", Kind::word_boundary)) return tree;
    if (TreePtr tree = simple("\\B", Kind::no_word_boundary)) return tree;
    if (TreePtr tree = simple("\\C", Kind::byte)) return tree;
    Ranges ranges;
    if (class_escape(ranges)) return characters(std::move(ranges));
    return literal(character_escape());
  }

  // \d, \pN and their like.
  bool class_escape(Ranges& ranges) {
    if (peek() != '\\') return false;
    const Ranges* perl = nullptr;
    switch (peek(1) | 0x20) {
      case 'd':
        perl = &kDigits;
        break;
      case 's':
        perl = &kSpaces;
        break;
      case 'w':
        perl = &kWord;
        break;
      case 'p':
        ranges = unicode_escape();
        return true;
      default:
        return false;
    }
    const bool inverse = (peek(1) & 0x20) == 0;
    at_ += 2;
    ranges = flags_.fold_case ? with_both_cases(*perl) : *perl;
    if (inverse) ranges = inverted(ranges);
    return true;
  }

  Ranges unicode_escape() {
    bool inverse = peek(1) == 'P';
    at_ += 2;
    std::string name;
    if (accept("{")) {
      if (accept("^")) inverse = !inverse;
      while (!done() && peek() != '}') name += text_[at_++];
      if (!accept("}")) fail("a { without a }");
    } else {
      if (done()) fail("an end that is missing something");
      name = std::string(1, text_[at_++]);
    }
    const Ranges* found = unicode_class(name);
    if (found == nullptr) fail("a class of characters that Unicode does not have ('" + name + "')");
    const Ranges ranges = flags_.fold_case ? with_both_cases(*found) : *found;
    return inverse ? inverted(ranges) : ranges;
  }

  int32_t character_escape() {
    ++at_;
    if (done()) fail("a \\ at its end");
    const std::size_t start = at_;
    const int32_t code = code_point();
    if (code == 'x') return hexadecimal();
    if (code >= '0' && code <= '7') {
      // One digit that is not 0 would be a back-reference.
      if (code != '0' && !(peek() >= '0' && peek() <= '7')) bad_escape(start);
      int32_t value = code - '0';
      for (int i = 0; i < 2 && peek() >= '0' && peek() <= '7'; ++i) value = 8 * value + (text_[at_++] - '0');
      return value;
    }
    switch (code) {
      case 'a':
        return '\a';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'v':
        return '\v';
      default:
        if (code >= 0x80 || is_word(code)) bad_escape(start);
        return code;
    }
  }

  [[noreturn]] void bad_escape(std::size_t start) {
    at_ = start;
    fail("an escape that RE2 does not have");
  }

  int32_t hexadecimal() {
    int32_t value = 0;
    if (accept("{")) {
      int digits = 0;
      for (; hex_digit(peek()) >= 0; ++digits) {
        value = 16 * value + hex_digit(text_[at_++]);
        if (value > kLargest) fail("a code point above 10FFFF");
      }
      if (digits == 0 || !accept("}")) fail("a bad \\x escape");
      return value;
    }
    for (int i = 0; i < 2; ++i) {
      if (hex_digit(peek()) < 0) fail("a bad \\x escape");
      value = 16 * value + hex_digit(text_[at_++]);
    }
    return value;
  }

  Ranges bracket() {
    ++at_;
    const bool inverse = accept("^");
    Ranges ranges;
    const auto add = [&](const Ranges& more) { ranges.insert(ranges.end(), more.begin(), more.end()); };
    for (bool first = true; first || peek() != ']' || done(); first = false) {
      if (done()) fail("a [ without a ]");
      Ranges named;
      if (ahead("[:") && text_.find(":]", at_ + 2) != std::string::npos) {
        add(named_class());
      } else if (class_escape(named)) {
        add(named);
      } else {
        const int32_t low = class_character();
        int32_t high = low;
        if (peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size()) {
          ++at_;
          high = class_character();
          if (high < low) fail("a range of characters that is out of order");
        }
        const Ranges range = {{low, high}};
        add(flags_.fold_case ? with_both_cases(range) : range);
      }
    }
    ++at_;
    ranges = normalised(std::move(ranges));
    return inverse ? inverted(ranges) : ranges;
  }

  int32_t class_character() { return peek() == '\\' ? character_escape() : code_point(); }

  Ranges named_class() {
    at_ += 2;
    const bool inverse = accept("^");
    const std::size_t end = text_.find(":]", at_);
    const std::string name = text_.substr(at_, end - at_);
    const Ranges* found = posix_class(name);
    if (found == nullptr) fail("a class of characters that POSIX does not have ('" + name + "')");
    at_ = end + 2;
    const Ranges ranges = flags_.fold_case ? with_both_cases(*found) : *found;
    return inverse ? inverted(ranges) : ranges;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  Flags flags_;
  int depth_ = 0;
};

}  // namespace

TreePtr parse(const std::string& pattern) { return Parser(pattern).run(); }

}  // namespace o2w::onnx_frontend::regex
