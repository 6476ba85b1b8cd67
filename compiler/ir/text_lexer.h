// Tokens of the text form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/text.h"

namespace o2w::ir {

struct Token {
  enum class Kind : uint8_t { end, word, number, text, mark } kind = Kind::end;
  std::string text;  // of a string: unescaped; of a number: as written, sign included; of a mark: one
                     // character or ".."
  int line = 1, column = 1;
};

// What a parser throws inside this component; parse_graph and parse_expr turn it into a Diagnostic.
struct ParseError {
  int line, column;
  std::string message;
};

std::vector<Token> tokenize(const std::string& text);

// A position in the tokens, with the usual helpers. `expect_*` throw ParseError.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  const Token& peek() const { return tokens_[position_]; }
  Token next();
  bool at_mark(const char* mark) const { return peek().kind == Token::Kind::mark && peek().text == mark; }
  bool at_word(const char* word) const { return peek().kind == Token::Kind::word && peek().text == word; }
  bool accept_mark(const char* mark);
  bool accept_word(const char* word);
  void expect_mark(const char* mark);
  void expect_word(const char* word);
  std::string expect_name();  // a word
  std::string expect_text();  // a string
  int64_t expect_int();
  double expect_real();
  [[noreturn]] void fail(const std::string& message) const;

 private:
  std::vector<Token> tokens_;
  std::size_t position_ = 0;
};

}  // namespace o2w::ir
