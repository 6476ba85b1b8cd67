// The data that the compiler writes for the runtime library, and that both share with hosts: plain
// little-endian structs in the module's linear memory. An address is a u32 offset in linear memory; 0 is
// none.
//
// ## Functions of the runtime library that generated code may call
// Types are those of wasm; v128 holds f32x4. Everything is total: no input traps.
//
// Math. One vector implementation each, a scalar f32 is its lane 0; f64 is scalar.
//   o2w_<op>_f32x4(v128) -> v128
//   o2w_<op>_f64(f64) -> f64
//     exp exp2 expm1 log log2 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf sigmoid
//   o2w_<op>_f32x4(v128, v128) -> v128
//   o2w_<op>_f64(f64, f64) -> f64
//     pow atan2 fmod
//
// Narrow floats, in the low bits of an i32; to nearest even, f8 with ONNX's saturating casts.
//   o2w_<type>_to_f32(i32) -> f32
//   o2w_f32_to_<type>(f32) -> i32
//     f16 bf16 f8e4m3fn f8e4m3fnuz f8e5m2 f8e5m2fnuz f8e8m0 f4e2m1
//
// Sizes. Saturating at the ends of i64, so that a bound check afterwards sees an overflow as too large.
//   o2w_add_sat(i64, i64) -> i64
//   o2w_mul_sat(i64, i64) -> i64
//   o2w_update_dims(list: i32)
//     Computes entries of the dim table. The list holds for each its number + 1 and where its code begins,
//     from ModelDescriptor::steps on (LEB128), and ends with a 0.
//
//   o2w_size(code: i32) -> i64
//
// Steps (steps.cpp). Cells are addresses of entries of the pointer table, codes those of sizes' code.
//   o2w_step_allocate(cell: i32, code: i32, number: i32) -> i32 errno
//     A heap buffer; message `number` names the tensor that there is no memory for.
//   o2w_step_free(cell: i32)
//   o2w_step_move(to: i32, from: i32)
//   o2w_step_set(symbol: i32, code: i32, list: i32)
//     Sets the symbol whose value lies at this address, then as o2w_update_dims(list).
//   o2w_step_bind(from: i32, element: i32, symbol: i32, list: i32, number: i32) -> i32 errno
//     Sets the symbol of this number to an element of i64 numbers, then as o2w_update_dims(list). Fails with
//     message `number` where it is out of the symbol's bounds.
//   o2w_step_check(a: i32, b: i32, relation: i32, errno: i32, number: i32) -> i32 errno
//     Fails with message `number` where the relation (StepRelation) does not hold between two sizes.
//
// Memory.
//   o2w_heap_alloc(bytes: i64) -> i32
//     64-byte aligned; 0 when there is none or bytes < 0. What a run allocates and does not free is freed
//     when it ends: a run that fails may simply return.
//   o2w_heap_free(address: i32)
//     0 is ignored.
//   o2w_plan_arena() -> i32 errno
//     For dynamic plans, called by o2w_model_prepare: evaluates the sizes of ModelDescriptor::arena, plans,
//     allocates, and fills in the pointer table's entries of these buffers.
//
// Strings.
//   o2w_begin_strings() -> i32 errno
//     At the start of a run that has to do with strings: forgets those of the run before and interns the
//     inputs' (the pointer table's entries of string inputs become those of interned copies).
//
// Errors. All return the errno.
//   o2w_fail(errno: i32, number: i32) -> i32
//     Makes message `number` of the model the last error.
//   o2w_fail_in(errno: i32, number: i32) -> i32
//     Puts message `number` before the last error.
//   o2w_out_of_memory(bytes: i64, number: i32) -> i32
//     Says that a tensor of this size could not be allocated; message `number` of the model names it.
//
// Irregular operators (routines.h).
//   o2w_routine_<name>(args: i32, inputs: i32, outputs: i32, ints: i32, floats: i32, counts: i32) -> i32
//   errno
//     args: TensorArg[inputs + outputs]; ints: i64[]; floats: f64[]; counts: i64[], results.
//
// ## What the generated code gives the runtime library
//   o2w_model_prepare() -> i32 errno
//   o2w_model_run() -> i32 errno
// Before o2w_model_prepare the runtime has stored the input symbols in the symbol table. Before o2w_model_run
// it has stored in the pointer table the addresses of the input buffers and of those output buffers whose
// size follows from the inputs' shapes. Outputs with kSizedByRun are allocated by the run (o2w_heap_alloc,
// address into the pointer table) and become the runtime's.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace o2w::abi {

inline constexpr uint32_t kVersion = 1;
inline constexpr int kMaxRank = 8;
inline constexpr uint32_t kAlignment = 64;       // of tensors, in bytes; of small weights 16
inline constexpr uint32_t kFirstAddress = 1024;  // nothing a host may point at lies below

// wasi-nn's nn_errno (witx).
enum Errno : int32_t {
  kSuccess = 0,
  kInvalidArgument = 1,
  kInvalidEncoding = 2,
  kMissingMemory = 3,
  kBusy = 4,
  kRuntimeError = 5,
  kUnsupportedOperation = 6,
  kTooLarge = 7,
  kNotFound = 8,
};

// A size as code for a stack machine on i64, ended by kEnd: bytes, an operation each, kConstant followed by
// its value and kSymbol by its number (LEB128; a value's sign is its lowest bit, as in zigzag coding).
// Arithmetic saturates; a division by zero gives 0.
enum class DimOp : uint8_t {
  kEnd,
  kConstant,
  kSymbol,
  kAdd,
  kMul,
  kFloorDiv,
  kCeilDiv,
  kMod,
  kMin,
  kMax,
  kBroadcast
};
// Bytes behind the operations are constants, from kFirstConstantByte - kZeroByte on, and from
// kFirstSymbolByte on the first symbols.
inline constexpr int kFirstConstantByte = 16, kZeroByte = 24, kFirstSymbolByte = 240;
inline constexpr int kMaxDimStack = 64;

// Of o2w_step_check.
enum class StepRelation : uint32_t { kEqual, kBroadcastable, kLessEqual };

enum class DimKind : uint32_t { kFixed, kSymbol, kExpression };
struct DimSpec {
  int32_t value;  // fixed: the size; symbol: its number; expression: address of its code
  DimKind kind;
  uint32_t text;  // symbol, expression: address of its name, NUL-terminated
};

struct SymbolSpec {
  int64_t lower, upper;  // inclusive
  uint32_t name;
  uint32_t from_input;  // 1: known when the inputs' shapes are
};

enum PortFlags : uint32_t {
  kStatic = 1,      // all dims are fixed
  kSizedByRun = 2,  // (outputs) dims depend on symbols that the run defines
  kBorrowed = 4,    // (outputs) the data are those of `address` or of an input: nothing to allocate
  kRankByRun = 8,   // (outputs) the buffer holds a list (lists.h) whose one element is the tensor
};
struct PortSpec {
  uint32_t name;
  uint32_t dtype;  // ONNX TensorProto.DataType
  uint32_t element_bytes;
  uint32_t rank;
  uint32_t dims;    // DimSpec[rank]
  uint32_t buffer;  // index into the pointer table
  uint32_t flags;
  uint32_t address;  // of contents known when compiling, else 0
};

// Messages: texts one after the other, each ended by a 0. First come the phrases, which messages and other
// phrases refer to. A byte from kFirstPlainByte on stands for itself; kAnyByte says that the next one does.
// From kFirstShortPhrase on it is a phrase, the first ones; from kFirstLongPhrase on, with the next byte, one
// of those that follow (high part first).
inline constexpr uint32_t kAnyByte = 1, kFirstLongPhrase = 2, kFirstPlainByte = 32, kFirstShortPhrase = 128,
                          kShortPhrases = 128;

// The buffers of a dynamic arena, as numbers (LEB128), four of each: where the code of its size begins, from
// ModelDescriptor::steps on; its index into the pointer table, less the one's before; the first step that
// uses it, less the one's before (zigzag); the number of steps from there to the last one that does.
//
// Constants of the steps: each less the one before, as zigzag numbers (LEB128). They are unpacked before the
// model is prepared for the first time.

// The model, at the address of the runtime library's variable `o2w_model`.
struct ModelDescriptor {
  uint32_t version;
  uint32_t name;
  uint32_t input_count, output_count;
  uint32_t inputs, outputs;  // PortSpec[]
  uint32_t symbol_count;
  uint32_t symbols;        // SymbolSpec[]
  uint32_t symbol_values;  // i64[]
  uint32_t buffer_count;
  uint32_t pointer_table;  // u32[]
  uint32_t error_count;
  uint32_t errors;  // their messages, and the phrases of these (see above)
  uint32_t arena_count;
  uint32_t arena;       // see above; only of dynamic plans
  uint32_t heap_start;  // end of everything that is laid out when compiling
  uint32_t max_pages;   // of linear memory, where the model was compiled with a limit; 0: none
  // The strings known when compiling, as a hash table (string_hash.h) of a power of two slots; empty slots
  // are {0, 0}. 0 slots: there are no such strings.
  uint32_t string_slots;
  uint32_t strings;           // String[]
  uint32_t weights;           // WeightsDescriptor; 0: they are part of the module
  uint32_t dim_table;         // i32[]: sizes that generated code reads
  uint32_t steps;             // what steps refer to (o2w_update_dims)
  uint32_t phrase_count;      // of messages
  uint32_t constants;         // i32[]: where those of the steps go
  uint32_t constant_count;    // how many there are
  uint32_t packed_constants;  // see above
};

// Weights in a file beside the module, which the host writes into memory; what o2w_weights() points at (plain
// ABI; part of the module's stable face).
struct WeightsDescriptor {
  uint32_t address;    // where they go
  uint32_t bytes;      // a multiple of 64
  uint32_t hash[2];    // weights_hash.h, low half first
  uint32_t committed;  // how many of them are there
};

// An element of a string tensor, in the module and at its interface: bytes, as ONNX has it by convention
// UTF-8. What a host writes need only point into memory; inside, strings are interned (equal strings have
// equal bits) and the empty string is {0, 0}.
struct String {
  uint32_t address, length;
};
inline constexpr uint32_t kStringType = 8;  // ONNX TensorProto.DataType

// A tensor as routines get it; dense, row-major.
struct TensorArg {
  uint32_t data;
  int32_t dtype;  // ONNX TensorProto.DataType
  int32_t rank;
  int32_t dims[kMaxRank];
};

// Stands in for an element type where the value is a list.
inline constexpr uint32_t kListType = 0;

// An element of a list, also as hosts see it (plain ABI; part of the module's stable face).
struct ListElement {
  uint32_t dtype;  // ONNX TensorProto.DataType, or kListType
  uint32_t rank;
  int32_t dims[kMaxRank];  // 0 past the rank
  uint32_t data;           // dense, row-major; of a list: its handle
  uint32_t bytes;
};

// What o2w_input(i) and o2w_output(i) point at (plain ABI; part of the module's stable face).
struct PortDescriptor {
  uint32_t name;  // UTF-8, not NUL-terminated by contract
  uint32_t name_length;
  uint32_t dtype;  // ONNX TensorProto.DataType
  uint32_t element_bytes;
  uint32_t rank;
  int32_t dims[kMaxRank];  // -1 where not known yet (dynamic, and no shape was set or nothing ran)
  uint32_t data;           // 0 where there is none yet
  uint32_t bytes;
};

// wasi-nn's tensor record (witx); the type is one byte, the three after it may be garbage.
struct NnTensor {
  uint32_t dims;  // u32[]
  uint32_t dims_length;
  uint8_t type;
  uint8_t padding[3];
  uint32_t data;
  uint32_t data_length;
};

static_assert(sizeof(DimSpec) == 12);
static_assert(sizeof(SymbolSpec) == 24 && offsetof(SymbolSpec, name) == 16);
static_assert(sizeof(PortSpec) == 32);
static_assert(sizeof(ModelDescriptor) == 104);
static_assert(sizeof(WeightsDescriptor) == 20);
static_assert(sizeof(String) == 8);
static_assert(sizeof(TensorArg) == 44 && offsetof(TensorArg, dims) == 12);
static_assert(sizeof(ListElement) == 48 && offsetof(ListElement, data) == 40);
static_assert(sizeof(PortDescriptor) == 60 && offsetof(PortDescriptor, data) == 52);
static_assert(sizeof(NnTensor) == 20 && offsetof(NnTensor, data) == 12);

}  // namespace o2w::abi
