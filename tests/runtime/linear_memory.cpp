#include "tests/runtime/linear_memory.h"

#include <sys/mman.h>

#include <cstring>
#include <stdexcept>

#include "compiler/package/model_tables.h"
#include "runtime-lib/model.h"
#include "runtime-lib/nn_strings.h"
#include "runtime-lib/platform.h"

extern "C" {
int32_t o2w_plan_arena();
int32_t o2w_fail(int32_t error, uint32_t number);
uint32_t o2w_heap_alloc(int64_t bytes);
const char* o2w_last_error();
}

namespace o2w::runtime_test {
namespace {

uint64_t mapped;
int prepares;

enum Buffers { kX, kK, kDoubled, kPositive, kConstant, kTemporary, kCount };

schedule::Program make_program() {
  schedule::Program program;
  program.name = "doubler";
  program.is_static = false;
  const auto n = std::make_shared<ir::Symbol>(ir::Symbol{"n", 1, 1000000, true});
  const auto m = std::make_shared<ir::Symbol>(ir::Symbol{"m", 0, 3000000, false});
  program.symbols = {n, m};
  const ir::Dim rows = ir::Dim::symbol(n), count = ir::Dim::symbol(m);
  program.buffers.resize(kCount);
  const auto buffer = [&](int index, schedule::Storage storage, const ir::Dim& bytes) {
    program.buffers[static_cast<std::size_t>(index)].storage = storage;
    program.buffers[static_cast<std::size_t>(index)].bytes = bytes;
  };
  buffer(kX, schedule::Storage::input, rows * 12);
  buffer(kK, schedule::Storage::input, 8);
  buffer(kDoubled, schedule::Storage::output, rows * 12);
  buffer(kPositive, schedule::Storage::output, count * 4);
  program.buffers[kPositive].allocated_by_run = true;
  buffer(kConstant, schedule::Storage::weights, 16);
  buffer(kTemporary, schedule::Storage::arena, rows * 12);
  ir::Tensor constant(ir::DType::i64, {2});
  constant.set_int(0, 7);
  constant.set_int(1, 9);
  program.buffers[kConstant].contents = constant;
  program.inputs = {{"x", ir::DType::f32, {rows, 3}, kX}, {"k", ir::DType::i64, {}, kK}};
  program.outputs = {{"doubled", ir::DType::f32, {rows, 3}, kDoubled},
                     {"positive", ir::DType::f32, {count}, kPositive},
                     {"constant", ir::DType::i64, {2}, kConstant},
                     {"again", ir::DType::f32, {rows, 3}, kDoubled}};
  program.errors = {"node 'check': k must not be negative"};
  return program;
}

uint32_t pointer(int buffer) { return runtime::at<uint32_t>(o2w_model.pointer_table)[buffer]; }

}  // namespace

void install_model() {
  if (mapped) return;
  void* const base = mmap(reinterpret_cast<void*>(kBase), kMaxBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
  if (base != reinterpret_cast<void*>(kBase)) throw std::runtime_error("no memory at the fixed address");
  mapped = 4 * runtime::kPageBytes;
  static const schedule::Program program = make_program();
  const package::MemoryLayout layout = package::lay_out(program, static_cast<int64_t>(kBase), {});
  std::memcpy(reinterpret_cast<void*>(layout.tables_address), layout.tables.data(), layout.tables.size());
  for (const auto& part : layout.weights) {
    std::memcpy(reinterpret_cast<void*>(part.address), part.tensor->bytes(),
                static_cast<std::size_t>(part.tensor->byte_count()));
  }
  o2w_model = layout.descriptor;
}

int prepare_count() { return prepares; }
std::string last_error() { return o2w_last_error(); }

}  // namespace o2w::runtime_test

namespace o2w::runtime {

uint64_t memory_bytes() { return runtime_test::kBase + runtime_test::mapped; }

int64_t grow_memory(uint64_t pages) {
  const uint64_t before = runtime_test::mapped;
  if (before + pages * kPageBytes > runtime_test::kMaxBytes) return -1;
  runtime_test::mapped += pages * kPageBytes;
  return static_cast<int64_t>(runtime_test::kBase + before);
}

}  // namespace o2w::runtime

using o2w::runtime::at;
using namespace o2w::runtime_test;

int32_t o2w_model_prepare() {
  ++prepares;
  return o2w_plan_arena();
}

int32_t o2w_nn_strings(o2w::runtime::Context*, o2w::runtime::NnStrings*) { return 0; }

int32_t o2w_model_run() {
  auto* symbols = at<int64_t>(o2w_model.symbol_values);
  const int64_t elements = symbols[0] * 3;
  const auto* x = at<const float>(pointer(kX));
  const int64_t k = *at<const int64_t>(pointer(kK));
  auto* temporary = at<float>(pointer(kTemporary));
  auto* doubled = at<float>(pointer(kDoubled));
  symbols[1] = 0;
  for (int64_t i = 0; i < elements; ++i) symbols[1] += x[i] > 0;
  const uint32_t positive = o2w_heap_alloc(symbols[1] * 4);
  if (!positive) return o2w::abi::kTooLarge;
  at<uint32_t>(o2w_model.pointer_table)[kPositive] = positive;
  o2w_heap_alloc(1000);  // given up: the run's end must free it
  if (k < 0) return o2w_fail(o2w::abi::kRuntimeError, 0);
  auto* out = at<float>(positive);
  for (int64_t i = 0; i < elements; ++i) {
    temporary[i] = 2 * x[i];
    if (x[i] > 0) *out++ = x[i];
  }
  for (int64_t i = 0; i < elements; ++i) doubled[i] = temporary[i] + static_cast<float>(k);
  return 0;
}
