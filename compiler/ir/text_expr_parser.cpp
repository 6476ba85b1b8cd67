#include "compiler/ir/text_expr_parser.h"

#include <fmt/core.h>

#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

constexpr int kMaxDepth = 500;

// "read12" with stem "read" -> 12; -1 if it is not of that form.
int numbered(const std::string& word, const std::string& stem) {
  if (word.size() <= stem.size() || word.size() > stem.size() + 8 || word.compare(0, stem.size(), stem) != 0)
    return -1;
  int value = 0;
  for (std::size_t i = stem.size(); i < word.size(); ++i) {
    if (word[i] < '0' || word[i] > '9') return -1;
    value = value * 10 + (word[i] - '0');
  }
  return value;
}

std::optional<ExprOp> op_from_name(const std::string& word) {
  for (int i = 0; i <= static_cast<int>(ExprOp::broadcast_index); ++i) {
    if (word == name(static_cast<ExprOp>(i))) return static_cast<ExprOp>(i);
  }
  return std::nullopt;
}

std::optional<DimOp> dim_op_from_name(const std::string& word) {
  for (int i = 0; i <= static_cast<int>(DimOp::broadcast); ++i) {
    if (word == name(static_cast<DimOp>(i))) return static_cast<DimOp>(i);
  }
  return std::nullopt;
}

}  // namespace

struct ExprParser::Nesting {
  explicit Nesting(ExprParser& of) : parser(of) {
    if (++parser.depth_ > kMaxDepth) parser.tokens_.fail("an expression nested too deeply");
  }
  ~Nesting() { --parser.depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ExprParser& parser;
};

SymbolRef ExprParser::symbol() {
  const std::string symbol_name =
      tokens_.peek().kind == Token::Kind::text ? tokens_.expect_text() : tokens_.expect_name();
  SymbolRef found = graph_.find_symbol(symbol_name);
  if (!found) tokens_.fail(fmt::format("the symbol '{}' is not declared", symbol_name));
  return found;
}

Dim ExprParser::dim_factor() {
  const Nesting nesting(*this);
  if (tokens_.accept_mark("(")) {
    const Dim inner = dim();
    tokens_.expect_mark(")");
    return inner;
  }
  if (tokens_.peek().kind == Token::Kind::number) return tokens_.expect_int();
  if (tokens_.peek().kind == Token::Kind::word) {
    const std::optional<DimOp> op = dim_op_from_name(tokens_.peek().text);
    // A symbol may have the name of an operation; an operation has operands.
    if (op && !graph_.find_symbol(tokens_.peek().text)) {
      tokens_.next();
      tokens_.expect_mark("(");
      const Dim a = dim();
      tokens_.expect_mark(",");
      const Dim b = dim();
      tokens_.expect_mark(")");
      return apply(*op, a, b);
    }
  }
  return Dim::symbol(symbol());
}

Dim ExprParser::dim_term() {
  Dim product = dim_factor();
  while (tokens_.accept_mark("*")) product *= dim_factor();
  return product;
}

Dim ExprParser::dim() {
  Dim sum = dim_term();
  while (true) {
    if (tokens_.accept_mark("+")) {
      sum += dim_term();
    } else if (tokens_.accept_mark("-")) {
      sum = sum - dim_term();
    } else {
      return sum;
    }
  }
}

Shape ExprParser::shape() {
  Shape shape;
  tokens_.expect_mark("[");
  if (tokens_.accept_mark("]")) return shape;
  do {
    shape.push_back(dim());
  } while (tokens_.accept_mark(","));
  tokens_.expect_mark("]");
  return shape;
}

DType ExprParser::type() {
  const std::string word = tokens_.expect_name();
  const std::optional<DType> found = dtype_from_name(word);
  if (!found) tokens_.fail(fmt::format("'{}' is no element type", word));
  return *found;
}

Expr ExprParser::expression(const std::vector<Value*>* inputs) {
  inputs_ = inputs;
  bindings_.clear();
  while (tokens_.accept_mark("$")) {
    const int64_t number = tokens_.expect_int();
    if (!tokens_.at_mark("=")) {
      const auto found = bindings_.find(number);
      if (found == bindings_.end()) tokens_.fail(fmt::format("${} is not defined", number));
      return found->second;
    }
    tokens_.next();
    bindings_[number] = operand();
    tokens_.expect_mark(";");
  }
  return operand();
}

std::vector<Expr> ExprParser::arguments() {
  std::vector<Expr> args;
  tokens_.expect_mark("(");
  if (tokens_.accept_mark(")")) return args;
  do {
    args.push_back(operand());
  } while (tokens_.accept_mark(","));
  tokens_.expect_mark(")");
  return args;
}

Expr ExprParser::number() {
  const bool whole = tokens_.peek().text.find_first_of(".eEinf") == std::string::npos;
  if (!whole) {
    const double value = tokens_.expect_real();
    const DType literal_type = tokens_.accept_mark(":") ? type() : DType::f32;
    if (!is_float(literal_type)) tokens_.fail("a float literal of a type that is none");
    return literal_float(literal_type, value);
  }
  const int64_t value = tokens_.expect_int();
  const DType literal_type = tokens_.accept_mark(":") ? type() : DType::index;
  return literal_int(literal_type, value);
}

Expr ExprParser::operand() {
  const Nesting nesting(*this);
  if (tokens_.peek().kind == Token::Kind::number || tokens_.at_word("inf") || tokens_.at_word("nan"))
    return number();
  if (tokens_.accept_mark("$")) {
    const auto found = bindings_.find(tokens_.expect_int());
    if (found == bindings_.end()) tokens_.fail("a $ name that is not defined");
    return found->second;
  }
  return named(tokens_.expect_name());
}

Expr ExprParser::named(const std::string& word) {
  if (word == "true" || word == "false") return literal_bool(word == "true");
  if (const int loop = numbered(word, "i"); loop >= 0) return index_var(loop);
  if (const int slot = numbered(word, "temp"); slot >= 0) {
    tokens_.expect_mark(":");
    return temp(slot, type());
  }
  if (const int slot = numbered(word, "read"); slot >= 0) {
    DType read_type = DType::f32;
    if (tokens_.accept_mark(":")) {
      read_type = type();
    } else if (inputs_ != nullptr && slot < static_cast<int>(inputs_->size())) {
      read_type = (*inputs_)[static_cast<std::size_t>(slot)]->type;
    } else {
      tokens_.fail(fmt::format("{} needs a type, as in {}:f32(...)", word, word));
    }
    return read(slot, read_type, arguments());
  }
  if (word == "dim") {
    tokens_.expect_mark("(");
    const Expr size(dim());
    tokens_.expect_mark(")");
    return size;
  }
  if (word == "cast" || word == "bitcast") {
    tokens_.expect_mark(":");
    const DType to = type();
    const std::vector<Expr> args = arguments();
    if (args.size() != 1) tokens_.fail(word + " takes one argument");
    return word == "cast" ? cast(to, args[0]) : bitcast(to, args[0]);
  }
  if (word == "checked_index" || word == "broadcast_index") {
    tokens_.expect_mark("(");
    const Expr position = operand();
    tokens_.expect_mark(",");
    const Dim size = dim();
    tokens_.expect_mark(")");
    return word == "checked_index" ? checked_index(position, size) : broadcast_index(position, size);
  }
  const std::optional<ExprOp> op = op_from_name(word);
  if (!op || arity(*op) < 1) tokens_.fail(fmt::format("'{}' is no operation", word));
  std::vector<Expr> args = arguments();
  if (static_cast<int>(args.size()) != arity(*op)) {
    tokens_.fail(fmt::format("{} takes {} arguments, not {}", word, arity(*op), args.size()));
  }
  ExprNode like;
  like.op = *op;
  return with_args(like, std::move(args));
}

Result<Expr> parse_expr(const std::string& text, Graph& graph_for_symbols, Diagnostics& diagnostics) {
  try {
    TokenStream tokens(tokenize(text));
    const Expr parsed = ExprParser(tokens, graph_for_symbols).expression(nullptr);
    if (tokens.peek().kind != Token::Kind::end) tokens.fail("the end of the expression is expected");
    return parsed;
  } catch (const ParseError& error) {
    diagnostics.error({}, fmt::format("line {} column {}: {}", error.line, error.column, error.message));
  } catch (const std::exception& error) {  // a type error in the text, or sizes beyond 64 bits
    diagnostics.error({}, error.what());
  }
  return std::nullopt;
}

}  // namespace o2w::ir
