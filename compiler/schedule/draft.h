// The schedule at work: operations on tensors, before tensors have places in memory. Every optimisation of
// the schedule rewrites a Draft; emit() turns it into the Program.
//
// Tensors are numbered; several operations may write one tensor (parts of a concatenation, a scatter after
// its copy). A tensor may lie in the storage of another, its host (views, slices); the end of the chain of
// hosts, the root, becomes a buffer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/dequantization.h"
#include "compiler/ir/graph.h"
#include "compiler/schedule/program.h"

namespace o2w::schedule {

struct DraftTensor {
  // derived: made of constants by the setup, see Draft.
  enum class Home : uint8_t { computed, input, constant, derived };
  ir::DType type = ir::DType::f32;
  ir::Shape shape;
  Layout layout;  // relative to the tensor's own start
  std::string name;
  Home home = Home::computed;
  int port = -1;        // input number, or the output that a computed tensor is written to; -1: none
  ir::Tensor contents;  // of a constant, in memory order
  // The integers that the contents are made of, for kernels that multiply by them.
  std::shared_ptr<const ir::Dequantization> integers;
  int host = -1;        // the tensor in whose storage this one lies, or -1
  ir::Dim host_offset;  // of this tensor's start in the host, in bytes
  ir::Dim capacity;     // bytes to reserve, where that differs from the shape's (see has_capacity)
  bool has_capacity = false;
  bool carried = false;          // written again while others still read it: state of a loop
  bool allocated_by_op = false;  // if it ends up on the heap: AllocateOp says when it gets its memory
  bool on_heap = false;          // must be on the heap even if its size is known (its buffer is moved)
};

struct Operation;
using Block = std::vector<Operation>;

// One loop nest; operand k of the nest is tensors[k]. The operands' layouts are filled in by emit().
struct NestOp {
  LoopNest nest;
  std::vector<int> tensors;
};
// Einsum or convolution, until a kernel is chosen.
struct EinsumOp {
  ir::Einsum labels;
  int lhs = -1, rhs = -1, out = -1;
  Epilogue epilogue;
  std::vector<int> epilogue_tensors;
};
struct ConvolutionOp {
  ir::Convolution attributes;
  int x = -1, w = -1, out = -1;
  Epilogue epilogue;
  std::vector<int> epilogue_tensors;
};
// A hand-shaped kernel with its pointers in the order of program.h; all tensors but number `out` are read.
struct KernelOp {
  Kernel kernel;
  std::vector<int> tensors;
  std::size_t out = 0;
};
struct RoutineOp {
  Routine routine;
  std::vector<int> inputs, outputs;
};
struct BranchOp {
  int condition = -1;
  Block then_block, else_block;
};
struct RepeatOp {
  std::optional<ir::Dim> trip_count;
  int iteration = -1;
  int condition = -1;  // -1: none
  Block body;
  ir::SymbolRef iterations;
};
struct BindOp {
  int source = -1;
  std::vector<ir::SymbolRef> symbols;
};
struct SymbolOp {
  ir::SymbolRef symbol;
  ir::Dim value;
};
struct CheckOp {
  ir::Require::Relation relation = ir::Require::Relation::equal;
  ir::Dim a, b;
};
// Heap tensors whose life the loops and branches manage themselves.
struct AllocateOp {
  int tensor = -1;
};
struct FreeOp {
  int tensor = -1;
};
struct MoveOp {
  int from = -1, to = -1;
};
// The first bytes of one tensor's storage copied to another's.
struct CopyOp {
  int from = -1, to = -1;
  ir::Dim bytes;
};

struct Operation {
  std::variant<NestOp, EinsumOp, ConvolutionOp, KernelOp, RoutineOp, BranchOp, RepeatOp, BindOp, SymbolOp,
               CheckOp, AllocateOp, FreeOp, MoveOp, CopyOp>
      what;
  std::shared_ptr<const ir::Origin> origin;
  std::string failure;  // what to report when the operation fails at run time

  template <typename T>
  T* as() {
    return std::get_if<T>(&what);
  }
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&what);
  }
};

struct Draft {
  std::string name;
  std::vector<DraftTensor> tensors;
  Block setup;  // runs once, before the block's first run
  Block block;
  std::vector<ir::Port> inputs, outputs;  // of the graph, which must outlive this
  std::vector<int> input_tensors, output_tensors;
  std::vector<ir::SymbolRef> symbols;  // all, those from inputs first
  int64_t opset = 0;
  std::string source_sha256;

  DraftTensor& at(int tensor) { return tensors[static_cast<std::size_t>(tensor)]; }
  const DraftTensor& at(int tensor) const { return tensors[static_cast<std::size_t>(tensor)]; }
  // A new row-major tensor computed by the program.
  int add(ir::DType type, ir::Shape shape, std::string tensor_name);
  // A symbol that the schedule itself defines; of at most `upper`.
  ir::SymbolRef new_symbol(const std::string& hint, int64_t upper = ir::Symbol().upper);
  int root(int tensor) const;
};

std::string to_text(const Draft& draft);

// --- Queries.
// Blocks nested in an operation (branches, loop bodies).
std::vector<Block*> blocks_of(Operation& operation);
std::vector<const Block*> blocks_of(const Operation& operation);
// Tensors that an operation itself reads and writes, nested blocks not included. A nest's read-modify-write
// target is in both.
std::vector<int> reads_of(const Operation& operation);
std::vector<int> writes_of(const Operation& operation);
// The same with the nested blocks.
std::vector<int> all_reads_of(const Operation& operation);
std::vector<int> all_writes_of(const Operation& operation);
void for_each_operation(Block& block, const std::function<void(Operation&, Block&)>& visit);

// --- Construction.
// `out` = body over index variables of out's shape, reading tensors by slot.
NestOp elementwise_nest(const Draft& draft, int out, std::vector<int> tensors, ir::Expr body);
// `to` = `from`, element by element (same shape).
NestOp copy_nest(const Draft& draft, int from, int to);
ir::Dim byte_count(const DraftTensor& tensor);
// What of `e` a store to memory of `type` needs: the cast to a storage-only type is done by the store.
ir::Expr stored(ir::DType type, const ir::Expr& e);

// --- The steps of the schedule, in order; each in its own file.
Draft draft_of(const ir::Graph& graph);
// Einsums and convolutions that have no kernel become loop nests.
void contractions_to_nests(Draft& draft);
Program emit(const Draft& draft);
// Lifetimes and, for static programs, offsets of the arena's buffers.
void plan_arena(Program& program);

}  // namespace o2w::schedule
