#include "compiler/ir/text.h"

#include <gtest/gtest.h>

#include "compiler/ir/verify.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

Graph parse(const std::string& text) {
  Diagnostics diagnostics;
  Result<Graph> graph = parse_graph(text, diagnostics);
  EXPECT_TRUE(graph.has_value()) << diagnostics.to_string();
  return graph ? std::move(*graph) : Graph();
}

std::string parse_failure(const std::string& text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_graph(text, diagnostics).has_value());
  return diagnostics.to_string();
}

constexpr const char* kEveryKind = R"(graph "every kind" opset 17 sha256 "00ff" {
  symbol "a b" 1..64 input
  symbol m 0..100
  symbol n 0..100
  symbol r 0..100
  symbol seq 1..512 input
  input "x" %0 "x": f32[seq, 3]
  input "flag" %1: bool[]
  input "half" %2: f16["a b", 2]
  %3 "w": f32[3] = constant <f32[3] 1, -2.5, inf>
  %4: string[2] = constant <string[2] "a\"b", "c">
  %5: u64[] = constant <u64[] 18446744073709551615>
  %6: c64[1] = constant <c64[1] (1, -2)>
  %7: f32[seq, 3] = tabulate (%0, %3) { max(add(read0(i0, i1), read1(i1)), 0.0:f32) } from "relu1" "Relu-14"
  %8: f16["a b", 2] = tabulate (%2) { $0 = exp(cast:f32(read0(i0, i1))); cast:f16(mul($0, $0)) }
  %9: f32[seq] = reduce sum (%7) over [3] { read0(i0, i1) } guard { lt(i1, dim(seq + -1)) }
  %10: i64[seq] = reduce arg_max (%7) over [3] { read0(i0, i1) } last
  %11: f32[seq, seq] = einsum (%7, %0) "mk,nk->mn"
  %12: f32[1, 3, seq] = view (%7)
  %13: f32[3, 3, 3] = constant <f32[3, 3, 3] #0000000000000000>
  %14: f32[1, 3, seq] = convolution (%12, %13) strides [1] dilations [1] pads [1] group 1
  %15: f32[2, 3, seq] = concat (%12, %14) axis 0
  %16: f32[2, 3, seq] = scatter sum (%15, %9) over [seq] at [{ 0 }, { checked_index(cast:index(-1:i64), 3) }, { i0 }] { read1(i0) }
  %17: f32[2, 3, seq] = cumulative sum (%16) axis 2 exclusive reverse
  %18: f32[2, 3, seq], %19: i64[2, 3, seq] = sort (%17) axis 2 smallest
  %20: i64[2, m] = compact (%11) count m
  %21: i64[1] = tabulate (%20) { read0(0, broadcast_index(i0, m)) }
  bind (%21) [n]
  require less_equal [n, 512] "too many"
  %22: f32[r] = if (%1) then {
    parameters ()
    results (%9)
  } else {
    parameters ()
    %23: f32[n] = tabulate () { sqrt(cast:f32(i0)) }
    results (%23)
  } results [r]
  %24: f32[3], %25: f32[4, 3] = loop (%3) trip 4 carried 1 body {
    parameters (%26: i64[], %27: f32[3])
    %28: f32[3] = tabulate (%27) { neg(read0(i0)) }
    results (%28, %27)
  }
  %29: f32[2] = random normal () a 0 b 1 seed 7
  %30: f32[m] = opaque "dft" (%29) ints [1, -1] floats [0.5] counts [] capacity [[m]]
  output "y" %22
  output "z" %30
}
)";

TEST(Text, EveryKindRoundTrips) {
  const std::string expected = [] {
    std::string text = kEveryKind;
    text.replace(text.find(" counts []"), 10, "");
    text.replace(text.find("#0000000000000000"), 17,
                 "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0");
    // Literals fold while the text is read.
    text.replace(text.find("cast:index(-1:i64)"), 18, "-1");
    text.replace(text.find("checked_index(-1, 3)"), 20, "2");
    return text;
  }();
  const Graph graph = parse(kEveryKind);
  verify(graph, "parsing");
  EXPECT_EQ(to_text(graph), expected);
  EXPECT_EQ(to_text(parse(expected)), expected);
}

TEST(Text, ErrorsNameThePlace) {
  EXPECT_NE(parse_failure("graph \"g\" {\n  input \"x\" %0: f33[2]\n}").find("line 2 column"),
            std::string::npos);
  EXPECT_NE(parse_failure("graph \"g\" {\n %1: f32[2] = view (%0)\n}").find("%0 is not defined"),
            std::string::npos);
  EXPECT_NE(parse_failure("graph \"g\" {\n input \"x\" %0: f32[n]\n}").find("'n' is not declared"),
            std::string::npos);
  EXPECT_NE(parse_failure("graph \"g").find("does not end"), std::string::npos);
  EXPECT_NE(parse_failure("graph \"g\" { %0: f32[] = tabulate () { " + std::string(10000, '(')).size(), 0u);
  std::string nested;
  for (int i = 0; i < 100000; ++i) nested += "neg(";
  EXPECT_NE(parse_failure("graph \"g\" { %0: f32[] = tabulate () { " + nested).find("too deeply"),
            std::string::npos);
}

TEST(Text, DeepAndSharedExpressionsStayShort) {
  Graph graph;
  Expr e = read(0, DType::f32, {index_var(0)});
  for (int i = 0; i < 3000; ++i) e = unary(ExprOp::tanh, e + e);
  const std::string text = to_text(e);
  EXPECT_LT(text.size(), 200000u);
  Diagnostics diagnostics;
  const Result<Expr> parsed = parse_expr(text, graph, diagnostics);
  ASSERT_TRUE(parsed.has_value()) << diagnostics.to_string();
  EXPECT_TRUE(same(*parsed, e));
}

std::string verify_failure(const std::string& text) {
  try {
    verify(parse(text), "a test");
  } catch (const InternalError& error) {
    return error.what();
  }
  return "";
}

TEST(Verify, NamesTheNodeAndTheRule) {
  const std::string head = "graph \"g\" opset 1 {\n symbol n 0..9\n input \"x\" %0: f32[2, 3]\n ";
  const auto message = [&](const std::string& node) { return verify_failure(head + node + "\n}"); };
  EXPECT_NE(message("%1: i32[2] = tabulate (%0) { read0(i0, 0) } from \"a\" \"Op-1\"")
                .find("tabulate %1 (node 'a', Op-1)"),
            std::string::npos);
  EXPECT_NE(message("%1: f32[2] = tabulate (%0) { read0(i0, i1) }").find("uses index 1 of 1"),
            std::string::npos);
  EXPECT_NE(message("%1: f32[2] = tabulate (%0) { read0(i0) }").find("rank 2 with 1 indices"),
            std::string::npos);
  EXPECT_NE(message("%1: f32[2] = tabulate (%0) { read1:f32(i0) }").find("reads slot 1 of 1"),
            std::string::npos);
  EXPECT_NE(message("%1: f32[n] = tabulate () { 0.0:f32 }").find("symbol n is used before"),
            std::string::npos);
  EXPECT_NE(message("%1: f32[7] = view (%0)").find("element counts: 6 and 7"), std::string::npos);
  EXPECT_NE(message("%1: f32[4, 4] = concat (%0, %0) axis 0").find("3 and 4"), std::string::npos);
  EXPECT_NE(message("%1: f32[2, 2] = einsum (%0, %0) \"mk,kn->mn\"").find("sizes of one label"),
            std::string::npos);
  EXPECT_EQ(message("%1: f32[6] = view (%0)"), "");
}

}  // namespace
}  // namespace o2w::ir
