// What small graphs become without optimisation: the draft's operations, then the program with its buffers.
#include "compiler/schedule/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/schedule/draft.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

ir::Graph parsed(const std::string& nodes) {
  Diagnostics diagnostics;
  Result<ir::Graph> graph = ir::parse_graph("graph \"g\" opset 17 {\n" + nodes + "}\n", diagnostics);
  if (!graph) throw std::runtime_error(diagnostics.to_string());
  ir::verify(*graph, "parsing");
  return std::move(*graph);
}

Program program_of(const std::string& nodes) {
  const ir::Graph graph = parsed(nodes);
  Draft draft = draft_of(graph);
  contractions_to_nests(draft);
  Program program = emit(draft);
  plan_arena(program);
  return program;
}

// The lines between "graph" and the operands' descriptions, which loop nests print below themselves.
std::string short_text(const std::string& text) {
  std::istringstream lines(text);
  std::string result, line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (line.compare(begin, 7, "operand") == 0 && line.find(": ") != std::string::npos) continue;
    result += line + "\n";
  }
  return result;
}

std::string draft_text(const std::string& nodes) { return short_text(to_text(draft_of(parsed(nodes)))); }
std::string program_text(const std::string& nodes) { return short_text(to_text(program_of(nodes))); }

TEST(Draft, ConcatWritesSlices) {
  EXPECT_EQ(draft_text(R"(
  symbol n 1..9 input
  input "a" %0: f32[2, n]
  input "b" %1: f32[2, 3]
  %2: f32[2, n + 3] = concat (%0, %1) axis 1
  output "y" %2
)"),
            R"(t0 "a": f32[2, n] input 0
t1 "b": f32[2, 3] input 1
t2 "%2": f32[2, n + 3] output 0
t3 "%2 part": f32[2, n] strides [n + 3, 1] in t2 at 0
t4 "%2 part": f32[2, 3] strides [n + 3, 1] in t2 at 4*n
nest [2, n] (t0, t3)
  operand1(i0, i1) = read0:f32(i0, i1)
nest [2, 3] (t1, t4)
  operand1(i0, i1) = read0:f32(i0, i1)
)");
}

TEST(Draft, ViewsMoveNothing) {
  EXPECT_EQ(draft_text(R"(
  input "x" %0: f32[2, 3]
  %1: f32[2, 3] = tabulate (%0) { neg(read0(i0, i1)) }
  %2: f32[6] = view (%1)
  output "y" %2
)"),
            R"(t0 "x": f32[2, 3] input 0
t1 "%1": f32[2, 3] in t3 at 0
t2 "%2": f32[6] in t1 at 0
t3 "y": f32[6] output 0
nest [2, 3] (t0, t1)
  operand1(i0, i1) = neg(read0:f32(i0, i1))
)");
}

TEST(Draft, CarriedValuesTradePlaces) {
  EXPECT_EQ(draft_text(R"(
  input "a" %0: f32[4]
  input "b" %1: f32[4]
  %2: f32[4], %3: f32[4] = loop (%0, %1) trip 3 carried 2 body {
    parameters (%4: i64[], %5: f32[4], %6: f32[4])
    results (%6, %5)
  }
  output "y" %2
)"),
            R"(t0 "a": f32[4] input 0
t1 "b": f32[4] input 1
t2 "iteration": i64[] carried
t3 "%5": f32[4] carried
t4 "%5": f32[4] in t3 at 0
t5 "%6": f32[4] carried
t6 "%6": f32[4] in t5 at 0
t7 "%5 next": f32[4]
t8 "%6 next": f32[4]
t9 "%5": f32[4] in t3 at 0
t10 "%6": f32[4] in t5 at 0
t11 "%2": f32[4] in t3 at 0
t12 "%3": f32[4] in t5 at 0
t13 "y": f32[4] output 0
allocate t3
nest [4] (t0, t4)
  operand1(i0) = read0:f32(i0)
allocate t5
nest [4] (t1, t6)
  operand1(i0) = read0:f32(i0)
repeat t2 times 3 {
  nest [4] (t5, t7)
    operand1(i0) = read0:f32(i0)
  nest [4] (t3, t8)
    operand1(i0) = read0:f32(i0)
  nest [4] (t7, t9)
    operand1(i0) = read0:f32(i0)
  nest [4] (t8, t10)
    operand1(i0) = read0:f32(i0)
}
nest [4] (t11, t13)
  operand1(i0) = read0:f32(i0)
)");
}

TEST(Program, BranchesTellTheirShape) {
  EXPECT_EQ(program_text(R"(
  symbol n 0..9 input
  symbol r 0..9
  input "flag" %0: bool[]
  input "x" %1: f32[n]
  %2: f32[r] = if (%0) then {
    parameters ()
    results (%1)
  } else {
    parameters ()
    %3: f32[2] = constant <f32[2] 1, 2>
    results (%3)
  } results [r]
  %4: f32[r] = tabulate (%2) { neg(read0(i0)) }
  %5: f32[r] = tabulate (%4) { exp(read0(i0)) }
  output "y" %5
)"),
            R"(symbol n 0..9 input
symbol r 0..9
input "flag": bool[] in b0
input "x": f32[n] in b1
output "y": f32[r] in b2
b0 "flag": input 1 bytes
b1 "x": input 4*n bytes
b2 "%5": output 4*r bytes
b3 "%2": heap 4*r bytes
b4 "%3": weights 8 bytes
b5 "%4": heap 4*r bytes
error 0: tensor '%2'
error 1: tensor '%4'
error 2: tensor '%5'
if b0 {
  set r = n
  allocate b3
  copy 4*n bytes (b1, b3)
} else {
  set r = 2
  allocate b3
  copy 8 bytes (b4, b3)
}
allocate b5
nest [r] (b3, b5)
  operand1(i0) = neg(read0:f32(i0))
free b3
allocate b2
nest [r] (b5, b2)
  operand1(i0) = exp(read0:f32(i0))
free b5
)");
}

TEST(Program, RunsTellTheShapeOfWhatTheyCount) {
  EXPECT_EQ(program_text(R"(
  symbol count 0..4
  input "x" %0: f32[4]
  %1: i64[1, count] = compact (%0) count count
  output "y" %1
)"),
            R"(symbol count 0..4
input "x": f32[4] in b0
output "y": i64[1, count] in b1
b0 "x": input 16 bytes
b1 "%1": output 32 bytes
error 0: tensor '%1'
allocate b1
routine compact (b0, b1) in f32[4] out i64[1, 4] counts count
)");
}

TEST(Program, StateLivesThroughItsLoop) {
  EXPECT_EQ(program_text(R"(
  input "x" %0: f32[100]
  %1: f32[100] = tabulate (%0) { exp(read0(i0)) }
  %2: f32[100], %3: f32[3, 100] = loop (%1) trip 3 carried 1 body {
    parameters (%4: i64[], %5: f32[100])
    %6: f32[100] = tabulate (%5, %1) { add(read0(i0), read1(i0)) }
    results (%6, %6)
  }
  %7: f32[100] = tabulate (%2) { neg(read0(i0)) }
  output "y" %7
  output "all" %3
)"),
            R"(symbol iteration 0..2147483647
input "x": f32[100] in b0
output "y": f32[100] in b1
output "all": f32[3, 100] in b2
b0 "x": input 400 bytes
b1 "%7": output 400 bytes
b2 "all": output 1200 bytes
b3 "%1": arena 400 bytes live 0..6 at 1216
b4 "%5": arena 400 bytes live 1..7 at 1664
b5 "iteration": arena 8 bytes live 2..6 at 2560
b6 "%6": arena 400 bytes live 4..6 at 2112
b7 "%3": arena 1200 bytes live 2..8 at 0
error 0: the model
arena 2624 bytes, at least 2624
nest [100] (b0, b3)
  operand1(i0) = exp(read0:f32(i0))
copy 400 bytes (b3, b4)
repeat b5 times 3 {
  bind iteration to i64 at b5 error 0
  nest [100] (b4, b3, b6)
    operand2(i0) = add(read0:f32(i0), read1:f32(i0))
  copy 400 bytes (b6, b7 + 400*iteration)
  copy 400 bytes (b6, b4)
}
nest [100] (b4, b1)
  operand1(i0) = neg(read0:f32(i0))
copy 1200 bytes (b7, b2)
)");
}

TEST(Program, SymbolicSizesArePlannedWhenTheyAreKnown) {
  const Program program = program_of(R"(
  symbol n 1..9 input
  input "x" %0: f32[n]
  %1: f32[n] = tabulate (%0) { exp(read0(i0)) }
  %2: f32[n] = tabulate (%1) { neg(read0(i0)) }
  %3: f32[n] = tabulate (%2) { tanh(read0(i0)) }
  output "y" %3
)");
  EXPECT_FALSE(program.is_static);
  for (const Buffer& buffer : program.buffers) EXPECT_EQ(buffer.offset, -1);
}

TEST(Program, RefusesTensorsBeyondLinearMemory) {
  EXPECT_THROW(program_of(R"(
  input "x" %0: f32[]
  %1: f32[65536, 65536] = tabulate (%0) { read0() }
  %2: f32[] = reduce sum (%1) over [65536, 65536] { read0(i0, i1) }
  output "y" %2
)"),
               ModelError);
}

// Steps of a program, nested ones included, in the order in which the plan counts them.
void for_each_step(const Steps& steps, const std::function<void(const Step&)>& visit) {
  for (const Step& step : steps) {
    visit(step);
    if (const auto* branch = std::get_if<Branch>(&step.what)) {
      for_each_step(*branch->then_steps, visit);
      for_each_step(*branch->else_steps, visit);
    } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
      for_each_step(*repeat->body, visit);
    }
  }
}

// Whatever a program does, an arena buffer that a call touches lives then.
TEST(Program, LifetimesCoverAllUses) {
  const Program program = program_of(R"(
  input "x" %0: f32[64]
  %1: f32[64] = tabulate (%0) { exp(read0(i0)) }
  %2: f32[64] = tabulate (%0) { neg(read0(i0)) }
  %3: f32[64] = loop (%1) trip 4 carried 1 body {
    parameters (%4: i64[], %5: f32[64])
    %6: f32[64] = tabulate (%5) { tanh(read0(i0)) }
    %7: f32[64] = loop (%6) trip 2 carried 1 body {
      parameters (%8: i64[], %9: f32[64])
      %10: f32[64] = tabulate (%9, %2) { add(read0(i0), read1(i0)) }
      %11: f32[64] = tabulate (%10) { sqrt(read0(i0)) }
      results (%11)
    }
    %12: f32[64] = tabulate (%7, %6) { mul(read0(i0), read1(i0)) }
    results (%12)
  }
  output "y" %3
)");
  int now = -1;
  for_each_step(program.steps, [&](const Step& step) {
    ++now;
    const auto* call = std::get_if<Call>(&step.what);
    if (call == nullptr) return;
    for (const Address& pointer : call->pointers) {
      const Buffer& buffer = program.buffers.at(static_cast<std::size_t>(pointer.buffer));
      if (buffer.storage != Storage::arena) continue;
      EXPECT_LE(buffer.first_use, now) << buffer.name;
      EXPECT_GE(buffer.last_use, now) << buffer.name;
    }
  });
  // What the outer loop found when it began is needed in each of its rounds.
  const auto named = [&](const std::string& name) {
    return std::find_if(program.buffers.begin(), program.buffers.end(),
                        [&](const Buffer& buffer) { return buffer.name == name; });
  };
  ASSERT_NE(named("%2"), program.buffers.end());
  EXPECT_GE(named("%2")->last_use, named("%12")->last_use);
}

}  // namespace
}  // namespace o2w::schedule
