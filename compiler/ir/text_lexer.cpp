#include "compiler/ir/text_lexer.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>

namespace o2w::ir {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(const std::string& text) : text_(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do {
      skip_blanks();
      tokens.push_back(token());
    } while (tokens.back().kind != Token::Kind::end);
    return tokens;
  }

 private:
  char at(std::size_t offset = 0) const {
    return position_ + offset < text_.size() ? text_[position_ + offset] : '\0';
  }

  char take() {
    const char c = text_[position_++];
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else {
      ++column_;
    }
    return c;
  }

  void skip_blanks() {
    while (position_ < text_.size()) {
      if (at() == '/' && at(1) == '/') {
        while (position_ < text_.size() && at() != '\n') take();
      } else if (at() == ' ' || at() == '\t' || at() == '\n' || at() == '\r') {
        take();
      } else {
        return;
      }
    }
  }

  Token token() {
    Token made;
    made.line = line_;
    made.column = column_;
    if (position_ >= text_.size()) return made;
    const char c = at();
    if (is_letter(c)) {
      made.kind = Token::Kind::word;
      while (is_letter(at()) || is_digit(at())) made.text += take();
    } else if (is_digit(c) || (c == '-' && (is_digit(at(1)) || at(1) == 'i' || at(1) == 'n'))) {
      made.kind = Token::Kind::number;
      lex_number(made.text);
    } else if (c == '"') {
      made.kind = Token::Kind::text;
      lex_text(made.text);
    } else {
      made.kind = Token::Kind::mark;
      made.text += take();
      if (c == '.' && at() == '.') made.text += take();
    }
    return made;
  }

  void lex_number(std::string& out) {
    if (at() == '-') out += take();
    while (is_letter(at()) && !is_digit(at())) out += take();  // -inf, -nan
    while (is_digit(at())) out += take();
    if (at() == '.' && is_digit(at(1))) {
      out += take();
      while (is_digit(at())) out += take();
    }
    const bool exponent = (at() == 'e' || at() == 'E') &&
                          (is_digit(at(1)) || ((at(1) == '-' || at(1) == '+') && is_digit(at(2))));
    if (exponent && out.find_first_of("infa") == std::string::npos) {
      out += take();
      out += take();
      while (is_digit(at())) out += take();
    }
  }

  void lex_text(std::string& out) {
    const int line = line_, column = column_;
    take();
    while (at() != '"') {
      if (position_ >= text_.size()) throw ParseError{line, column, "a string that does not end"};
      char c = take();
      if (c == '\\' && position_ < text_.size()) {
        c = take();
        if (c == 'n') c = '\n';
        if (c == 'x') {
          int value = 0;
          for (int i = 0; i < 2; ++i) {
            const char digit = at();
            const bool hex = is_digit(digit) || (digit >= 'a' && digit <= 'f');
            if (!hex) throw ParseError{line_, column_, "two hexadecimal digits are expected after \\x"};
            value = value * 16 + (is_digit(digit) ? digit - '0' : digit - 'a' + 10);
            take();
          }
          c = static_cast<char>(value);
        }
      }
      out += c;
    }
    take();
  }

  const std::string& text_;
  std::size_t position_ = 0;
  int line_ = 1, column_ = 1;
};

std::string describe(const Token& token) {
  return token.kind == Token::Kind::end ? "the end of the text" : fmt::format("'{}'", token.text);
}

}  // namespace

std::vector<Token> tokenize(const std::string& text) { return Lexer(text).run(); }

Token TokenStream::next() {
  const Token token = peek();
  if (token.kind != Token::Kind::end) ++position_;
  return token;
}

bool TokenStream::accept_mark(const char* mark) {
  if (!at_mark(mark)) return false;
  next();
  return true;
}

bool TokenStream::accept_word(const char* word) {
  if (!at_word(word)) return false;
  next();
  return true;
}

void TokenStream::expect_mark(const char* mark) {
  if (!accept_mark(mark)) fail(fmt::format("'{}' is expected before {}", mark, describe(peek())));
}

void TokenStream::expect_word(const char* word) {
  if (!accept_word(word)) fail(fmt::format("'{}' is expected before {}", word, describe(peek())));
}

std::string TokenStream::expect_name() {
  if (peek().kind != Token::Kind::word) fail(fmt::format("a name is expected before {}", describe(peek())));
  return next().text;
}

std::string TokenStream::expect_text() {
  if (peek().kind != Token::Kind::text) fail(fmt::format("a string is expected before {}", describe(peek())));
  return next().text;
}

int64_t TokenStream::expect_int() {
  const Token& token = peek();
  if (token.kind != Token::Kind::number || token.text.find_first_of(".eEinf") != std::string::npos) {
    fail(fmt::format("an integer is expected before {}", describe(token)));
  }
  errno = 0;
  // The upper half of u64 is written unsigned and kept as bits.
  const int64_t value = token.text[0] == '-'
                            ? std::strtoll(token.text.c_str(), nullptr, 10)
                            : static_cast<int64_t>(std::strtoull(token.text.c_str(), nullptr, 10));
  if (errno == ERANGE) fail("an integer of more than 64 bits");
  next();
  return value;
}

double TokenStream::expect_real() {
  const bool special = at_word("inf") || at_word("nan");
  if (peek().kind != Token::Kind::number && !special)
    fail(fmt::format("a number is expected before {}", describe(peek())));
  return std::strtod(next().text.c_str(), nullptr);
}

void TokenStream::fail(const std::string& message) const {
  throw ParseError{peek().line, peek().column, message};
}

}  // namespace o2w::ir
