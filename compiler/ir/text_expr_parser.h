// Parser of Dims, shapes and expressions of the text form.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/ir/text_lexer.h"

namespace o2w::ir {

class ExprParser {
 public:
  ExprParser(TokenStream& tokens, const Graph& graph) : tokens_(tokens), graph_(graph) {}

  Dim dim();
  Shape shape();  // "[a, b]"
  SymbolRef symbol();
  DType type();
  // Bindings, then the expression; `inputs` give the types of reads without one (null: there are none).
  Expr expression(const std::vector<Value*>* inputs);

 private:
  Dim dim_term();
  Dim dim_factor();
  Expr operand();
  Expr number();
  Expr named(const std::string& word);
  std::vector<Expr> arguments();  // after "(", up to and with ")"

  // Guards the recursion against texts that nest without end.
  struct Nesting;

  TokenStream& tokens_;
  const Graph& graph_;
  const std::vector<Value*>* inputs_ = nullptr;
  std::map<int64_t, Expr> bindings_;
  int depth_ = 0;
};

}  // namespace o2w::ir
