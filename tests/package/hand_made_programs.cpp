#include "tests/package/hand_made_programs.h"

namespace o2w::package_test {

namespace {

using ir::Dim;
using ir::DType;
using ir::Shape;
using schedule::Storage;

int add_buffer(schedule::Program& program, Storage storage, const Dim& bytes) {
  schedule::Buffer& buffer = program.buffers.emplace_back();
  buffer.storage = storage;
  buffer.bytes = bytes;
  return static_cast<int>(program.buffers.size()) - 1;
}

int add_weights(schedule::Program& program, const std::vector<double>& values) {
  ir::Tensor tensor(DType::f32, {static_cast<int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) tensor.set_double(static_cast<int64_t>(i), values[i]);
  const int buffer = add_buffer(program, Storage::weights, tensor.byte_count());
  program.buffers.back().contents = tensor;
  return buffer;
}

int add_port(schedule::Program& program, bool is_input, const std::string& name, DType type,
             const Shape& shape) {
  const int buffer = add_buffer(program, is_input ? Storage::input : Storage::output,
                                ir::element_count(shape) * ir::byte_size(type));
  auto& ports = is_input ? program.inputs : program.outputs;
  program.buffers.back().port = static_cast<int>(ports.size());
  ports.push_back({name, type, shape, buffer});
  return buffer;
}

schedule::Operand dense(DType type, const Shape& shape) {
  schedule::Operand operand;
  operand.type = type;
  operand.shape = shape;
  Dim stride = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    operand.layout.strides.insert(operand.layout.strides.begin(), stride);
    stride = stride * shape[d];
  }
  return operand;
}

std::vector<ir::Expr> variables(int count) {
  std::vector<ir::Expr> result;
  for (int i = 0; i < count; ++i) result.push_back(ir::index_var(i));
  return result;
}

void add_call(schedule::Program& program, schedule::Kernel kernel, const std::vector<int>& buffers) {
  schedule::Call call;
  call.kernel = std::move(kernel);
  for (int buffer : buffers) call.pointers.push_back({buffer, 0});
  schedule::Step& step = program.steps.emplace_back();
  step.what = std::move(call);
}

// target[i..] = body over the whole of `shape`; the target is the last operand.
schedule::LoopNest elementwise(const Shape& shape, const ir::Expr& body,
                               std::vector<schedule::Operand> operands) {
  schedule::LoopNest nest;
  nest.outer = shape;
  nest.operands = std::move(operands);
  schedule::Stage& stage = nest.stages.emplace_back();
  stage.body = body;
  stage.target = static_cast<int>(nest.operands.size()) - 1;
  stage.target_indices = variables(static_cast<int>(shape.size()));
  return nest;
}

ir::SymbolRef symbol(const char* name, int64_t lower, int64_t upper, bool from_input) {
  return std::make_shared<const ir::Symbol>(ir::Symbol{name, lower, upper, from_input});
}

}  // namespace

schedule::Program static_program() {
  schedule::Program program;
  program.name = "static";
  program.opset = 17;
  program.source_sha256 = "00ff";
  const Shape shape = {2, 4};
  const int x = add_port(program, true, "x", DType::f32, shape);
  const int y = add_port(program, false, "y", DType::f32, shape);
  const int w = add_weights(program, {1, 2, 3, 4});
  const int temporary = add_buffer(program, Storage::arena, 32);
  program.buffers.back().offset = 0;
  program.arena_bytes = 64;
  const schedule::Operand whole = dense(DType::f32, shape), row = dense(DType::f32, {4});
  add_call(program,
           elementwise(shape, ir::unary(ir::ExprOp::sigmoid, ir::read(0, DType::f32, variables(2))),
                       {whole, whole}),
           {x, temporary});
  add_call(
      program,
      elementwise(shape,
                  ir::read(0, DType::f32, variables(2)) * ir::read(1, DType::f32, {ir::index_var(1)}) + 1.0,
                  {whole, row, whole}),
      {temporary, w, y});
  return program;
}

schedule::Program dynamic_program() {
  schedule::Program program;
  program.name = "dynamic";
  program.is_static = false;
  const ir::SymbolRef n = symbol("n", 1, 100000, true);
  program.symbols = {n};
  const Shape shape = {Dim::symbol(n), 4};
  const int x = add_port(program, true, "x", DType::f32, shape);
  const int k = add_port(program, true, "k", DType::i64, shape);
  const int y = add_port(program, false, "y", DType::f32, shape);
  const int sum = add_port(program, false, "sum", DType::i64, {4});
  const int w = add_weights(program, {1, -1, 0.5, 10});
  const int temporary = add_buffer(program, Storage::arena, Dim::symbol(n) * 16);
  program.buffers.back().last_use = 1;
  const schedule::Operand whole = dense(DType::f32, shape), row = dense(DType::f32, {4});
  add_call(
      program,
      elementwise(shape, ir::read(0, DType::f32, variables(2)) * ir::read(1, DType::f32, {ir::index_var(1)}),
                  {whole, row, whole}),
      {x, w, temporary});
  add_call(program, schedule::CopyBytes{Dim::symbol(n) * 16}, {temporary, y});

  schedule::LoopNest reduce;
  reduce.outer = {4};
  reduce.temps = 1;
  reduce.operands = {dense(DType::i64, shape), dense(DType::i64, {4})};
  schedule::Stage& add = reduce.stages.emplace_back();
  add.loops = {Dim::symbol(n)};
  add.body = ir::read(0, DType::i64, {ir::index_var(1), ir::index_var(0)});
  add.combiner = ir::Combiner::sum;
  add.temp = 0;
  schedule::Stage& store = reduce.stages.emplace_back();
  store.body = ir::temp(0, DType::i64);
  store.target = 1;
  store.target_indices = variables(1);
  add_call(program, reduce, {k, sum});
  return program;
}

schedule::Program sort_program() {
  schedule::Program program;
  program.name = "sort";
  program.is_static = false;
  const ir::SymbolRef n = symbol("n", 0, 100000, true);
  program.symbols = {n};
  const Dim size = Dim::symbol(n), k = ir::min(size, 3);
  const int x = add_port(program, true, "x", DType::f32, {size});
  const int values = add_port(program, false, "values", DType::f32, {k});
  const int indices = add_port(program, false, "indices", DType::i64, {k});
  schedule::Routine routine;
  routine.name = "sort";
  routine.inputs = {{DType::f32, {size}}};
  routine.outputs = {{DType::f32, {k}}, {DType::i64, {k}}};
  routine.ints = {0, 1};
  add_call(program, routine, {x, values, indices});
  for (const DType type : {DType::u8, DType::boolean, DType::f16}) {
    const int out = add_port(program, false, std::string(ir::name(type)), type, {size});
    add_call(program,
             elementwise({size}, ir::cast(type, ir::read(0, DType::f32, variables(1))),
                         {dense(DType::f32, {size}), dense(type, {size})}),
             {x, out});
  }
  return program;
}

}  // namespace o2w::package_test
