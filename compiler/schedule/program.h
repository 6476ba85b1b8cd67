// The program: what the model does at run time, step by step, over buffers with planned addresses. Product of
// the schedule, input of the code generator. Printed by --dump-phases.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/schedule/loop_nest.h"

namespace o2w::schedule {

enum class Storage : uint8_t {
  weights,  // contents known when compiling; read-only
  derived,  // made of weights by the program's setup, then read-only
  input,    // a model input; address known when a context runs (pointer table)
  output,   // a model output; the same
  arena,    // address = arena base + offset, from the memory plan (static: a constant; dynamic: computed when
            // shapes are set)
  heap,     // size depends on data: allocated by an Allocate step, freed by a Free step
};

struct Buffer {
  Storage storage = Storage::arena;
  ir::Dim bytes;
  int port = -1;  // input or output number
  // (outputs) A step allocates it and only the run tells its shape, which may leave a part of it unused.
  bool allocated_by_run = false;
  ir::Tensor contents;  // weights, in memory order already
  // Lifetime in the linear order of all steps (arena only), inclusive; loops are already accounted for.
  int first_use = 0, last_use = 0;
  int64_t offset = -1;  // arena offset when the plan is static, else -1
  std::string name;     // of the value, for dumps
};

// A run-time address: start of a buffer plus bytes.
struct Address {
  int buffer = -1;
  ir::Dim byte_offset;
};

// Hand-shaped kernels load whole vectors: they may read, but never use, up to 32 bytes past the end of an
// operand. The static layout and the allocator leave that much room behind every buffer.

// What a product multiplies, and how it stores constant weights. Integers are multiplied in pairs of the
// summed index (i32x4.dot_i16x8_s), so their packed panels hold [ceil(k/2)][8][2] elements.
enum class Factors : uint8_t {
  f32,     // f32 on both sides, summed in f32
  f32_i8,  // f32 by weights packed as i8: a panel begins with its columns' scales, [8] f32, and offsets, [8]
           // i16; a weight is (number + offset) * scale, and the scale is applied to the sum
  i16,     // i16 on both sides, summed in i32
  i16_i8,  // i16 by weights packed as i8
  i16_i8_offsets,  // i16 by weights packed as i8 plus an i16 per column: a panel begins with its offsets,
                   // [8][2]
};

// The tail of a hand-shaped kernel: `body` over temp(0), the accumulator, and read(k), operand k, without
// indices.
struct EpilogueOperand {
  enum class Access : uint8_t {
    same,    // laid out exactly like the output (residual)
    column,  // one element per output column (channel), contiguous
    scalar,
  } access = Access::column;
  ir::DType type = ir::DType::f32;
};
struct Epilogue {
  ir::DType accumulator = ir::DType::f32;  // or i32
  ir::DType out = ir::DType::f32;          // what a kernel stores: f32 or an integer type of up to 32 bits
  ir::Expr body;                           // null: store the accumulator
  std::vector<EpilogueOperand> operands;
};

// One batch dimension of a matrix product; strides in elements.
struct BatchLoop {
  ir::Dim extent, lhs_stride, rhs_stride, out_stride;
};

// out[m, n] = epilogue(sum over k of lhs[m, k] * rhs[k, n]). Pointers: lhs, rhs, out, epilogue operands.
struct Matmul {
  std::vector<BatchLoop> batch;
  ir::Dim m, n, k;
  Factors factors = Factors::f32;
  ir::Dim lhs_row_stride;  // lhs columns (k) are contiguous
  // packed: panels [ceil(n/8)][k][8], zero-padded, in a weights buffer (no batch stride);
  // rows: contiguous along n with rhs_stride between rows; columns: contiguous along k with rhs_stride
  // between columns (B transposed; f32 only).
  enum class Rhs : uint8_t { packed, rows, columns } rhs = Rhs::packed;
  ir::Dim rhs_stride;
  ir::Dim out_row_stride;  // out columns are contiguous
  // The kernel packs blocks of the left side's rows before it multiplies, and of a right side that is not
  // packed (f32 only) the panels. k is a constant > 0.
  bool pack_lhs = false;
  Epilogue epilogue;
};

// Channels-last convolution. Pointers: x [n, h, w, c] (c contiguous; or planes), packed weights, out [n, oh,
// ow, m] (m contiguous), operands. Dense weights are packed as [group][ceil(m/group/8)][kh][kw][c/group][8];
// depthwise (group == c == m; f32 or i16) as [ceil(c/4)][kh][kw][4]. Of integers, pairs run along the
// channels and a panel's offsets stand before its taps.
struct Conv2d {
  // winograd: a window of 3 x 3 or 5 x 5, stride and dilation 1, one group, f32; weights are packed as
  // [ceil(m/8)][c][kh][kw][8].
  enum class Algorithm : uint8_t { windows, depthwise, winograd } algorithm = Algorithm::windows;
  Factors factors = Factors::f32;
  ir::Dim n, h, w, c, oh, ow, m;
  ir::Dim x_batch_stride, x_row_stride, x_pixel_stride;  // elements
  // Of few channels, by windows: x is [n, c, h, w] with w contiguous, its planes this many elements apart.
  bool planes = false;
  ir::Dim x_plane_stride;
  ir::Dim out_batch_stride, out_row_stride, out_pixel_stride;  // elements
  int64_t kh = 1, kw = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  ir::Dim pad_top, pad_left;
  int64_t group = 1;
  Epilogue epilogue;

  bool depthwise() const { return algorithm == Algorithm::depthwise; }
};

// A blocked 2-D transpose of 4-byte elements: out[b][c][r] = x[b][r][c]. Pointers: x, out.
struct Transpose2d {
  ir::Dim batch, rows, columns;
  ir::Dim x_batch_stride, x_row_stride, out_batch_stride, out_row_stride;  // elements
};

// memory.copy of bytes. Pointers: source, destination.
struct CopyBytes {
  ir::Dim bytes;
};

// A runtime-lib routine on tensor descriptors (dense row-major). Pointers: inputs, then outputs.
struct Routine {
  std::string name;
  struct Tensor {
    ir::DType type;
    ir::Shape shape;
  };
  std::vector<Tensor> inputs, outputs;
  std::vector<int64_t> ints;
  std::vector<double> floats;
  std::vector<ir::SymbolRef> counts;  // the routine's results, in order
};

using Kernel = std::variant<LoopNest, Matmul, Conv2d, Transpose2d, CopyBytes, Routine>;

struct Step;
using Steps = std::vector<Step>;

struct Call {
  Kernel kernel;
  std::vector<Address> pointers;
  int error = -1;  // index into Program::errors: the message of a failure inside the kernel
};
// Runs one side, by a bool in memory.
struct Branch {
  Address condition;
  std::unique_ptr<Steps> then_steps, else_steps;
};
// Repeats. `iteration` is an i64 in memory that the step counts up from 0; `condition` (buffer -1: none) a
// bool checked before each round, `iterations` (may be null) receives the count.
struct Repeat {
  std::optional<ir::Dim> trip_count;
  Address iteration;
  Address condition;
  std::unique_ptr<Steps> body;
  ir::SymbolRef iterations;
};
// symbols[k] = element k of the integers at `source`.
struct BindSymbols {
  Address source;
  ir::DType type = ir::DType::i64;
  std::vector<ir::SymbolRef> symbols;
  int error = -1;
};
// symbol = dim (a branch's result shape, a carried shape).
struct SetSymbol {
  ir::SymbolRef symbol;
  ir::Dim value;
};
struct Check {
  ir::Require::Relation relation = ir::Require::Relation::equal;
  ir::Dim a, b;
  int error = -1;
};
// Heap buffers; size evaluated now.
struct Allocate {
  int buffer = -1;
  int error = -1;  // index into Program::errors: names the tensor in the message that there is no memory
};
struct Free {
  int buffer = -1;
};
// Makes heap buffer `to` the one that `from` was (moves ownership): carried tensors whose size changes.
struct MoveBuffer {
  int from = -1, to = -1;
};

struct Step {
  std::variant<Call, Branch, Repeat, BindSymbols, SetSymbol, Check, Allocate, Free, MoveBuffer> what;
  std::shared_ptr<const ir::Origin> origin;
};

struct ProgramPort {
  std::string name;
  ir::DType type = ir::DType::f32;
  ir::Shape shape;
  int buffer = -1;
  std::shared_ptr<const ir::ListType> list;  // of ports that are lists
};

struct Program {
  std::string name;
  std::vector<ProgramPort> inputs, outputs;
  std::vector<ir::SymbolRef> symbols;  // all, those from inputs first
  std::vector<Buffer> buffers;
  Steps setup;  // before the first run: makes the derived buffers
  Steps steps;
  std::vector<std::string> errors;  // run-time messages, by number
  bool is_static = true;            // no symbols at all
  int64_t arena_bytes = 0;          // of a static plan
  int64_t arena_lower_bound = 0;    // live bytes at the worst step
  int64_t opset = 0;
  std::string source_sha256;
};

std::string to_text(const Program& program);

}  // namespace o2w::schedule
