// Rows that are copied or filled sixteen bytes at a time, whatever the type of their elements.
#include "compiler/codegen/nest_emitter.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;

namespace {

constexpr int kVectorBytes = 16;
// Each repetition is a vector of the loop's code.
constexpr int kMostRepetitions = 8;

bool depends_on(const Expr& e, int variable) { return ir::uses_index(e, variable); }

}  // namespace

int NestEmitter::repetitions(const ir::ExprNode& read, int variable) const {
  const Access& access = nest_.accesses[static_cast<std::size_t>(read.slot)];
  int times = 0;
  for (std::size_t k = 0; k < read.args.size(); ++k) {
    const Expr& extra = read.args[k];
    bool varies = depends_on(extra, variable);
    ir::walk(extra, [&](const ir::ExprNode& node) {
      if (node.op == ExprOp::temp) varies = true;
      if (node.op == ExprOp::read)
        varies = varies || nest_.accesses[static_cast<std::size_t>(node.slot)].strides.contains(variable);
    });
    if (!varies) continue;
    const bool divided = extra->op == ExprOp::floordiv && ir::is_index(extra->args[0], variable) &&
                         ir::is_literal(extra->args[1]) && access.scales[k].is(1);
    if (!divided || times > 0) return 0;
    const int64_t divisor = extra->args[1]->literal.integer;
    if (divisor < 2 || divisor > INT16_MAX) return 0;
    times = static_cast<int>(divisor);
  }
  const auto stride = access.strides.find(variable);
  if (stride == access.strides.end()) return times;
  return times == 0 && stride->second.is(1) ? 1 : 0;
}

RowOfBytes NestEmitter::row_of_bytes(const CanonicalStage& stage, int variable) const {
  if (stage.combiner != ir::Combiner::none || stage.target < 0 || stage.guard.get() != nullptr ||
      stage.sequential)
    return {};
  const Access& target = nest_.accesses[static_cast<std::size_t>(stage.target)];
  const int bytes = ir::byte_size(target.type);
  const auto stride = target.strides.find(variable);
  if (stride == target.strides.end() || !stride->second.is(1) || !stage.target_extras.empty() || bytes > 8)
    return {};
  if (const ir::ExprNode* read = copied_read(stage.body, target.type)) {
    const Access& source = nest_.accesses[static_cast<std::size_t>(read->slot)];
    const int times = repetitions(*read, variable);
    if (times > 0 && times <= kMostRepetitions && source.type == target.type &&
        source.operand != target.operand)
      return {RowOfBytes::Kind::copy, times};
  }
  bool varies = false;
  ir::walk(stage.body, [&](const ir::ExprNode& node) {
    if (node.op == ExprOp::index) varies = varies || node.slot == variable;
    if (node.op == ExprOp::checked_index) varies = true;
    if (node.op == ExprOp::read) {
      const Access& access = nest_.accesses[static_cast<std::size_t>(node.slot)];
      varies = varies || access.strides.contains(variable) || access.operand == target.operand;
    }
  });
  return {varies ? RowOfBytes::Kind::none : RowOfBytes::Kind::fill, 1};
}

// Whole vectors, the last of which may overlap the one before; rows of less than a vector, and what repeated
// elements leave, one by one.
void NestEmitter::emit_row(const CanonicalStage& stage, const RowOfBytes& row, int variable,
                           const Dim& extent, const std::vector<int>& accesses) {
  with_variable(variable, accesses, [&] {
    const Access& target = nest_.accesses[static_cast<std::size_t>(stage.target)];
    const int size = ir::byte_size(target.type);
    const Var<I32> elements = f_.local<I32>(I32(dim(extent)));
    gen_.open_scope();
    f_.if_(elements >= row.times * kVectorBytes / size, [&] {
      gen_.open_scope();
      const Var<I32> done = f_.local<I32>(elements);
      if (row.times > 1) {
        done.set(repeat_row(stage, row.times, elements));
      } else if (row.kind == RowOfBytes::Kind::copy) {
        copy_row(stage, elements * size);
      } else {
        fill_row(stage, elements * size);
      }
      for (const int number : accesses) {
        const Access& access = nest_.accesses[static_cast<std::size_t>(number)];
        const auto stride = access.strides.find(variable);
        if (stride == access.strides.end()) continue;
        addresses_[static_cast<std::size_t>(number)] +=
            done * step_of(stride->second, ir::byte_size(access.type));
      }
      variables_.at(variable).set(done);
      gen_.close_scope();
    });
    gen_.close_scope();
    run_loop(variable, accesses, 1, elements.get(), [&] { hoist(stage); }, [&] { emit_body(stage); });
  });
}

void NestEmitter::copy_row(const CanonicalStage& stage, I32 bytes) {
  const ir::ExprNode* read =
      copied_read(stage.body, nest_.accesses[static_cast<std::size_t>(stage.target)].type);
  const Var<I32> to = f_.local<I32>(address(stage.target, stage.target_extras, 0));
  const Var<I32> from = f_.local<I32>(address(read->slot, read->args, 0));
  const Var<I32> last = f_.local<I32>(std::move(bytes) - kVectorBytes), at = f_.local<I32>(f_.i32(0));
  const auto copy = [&](const Var<I32>& offset) {
    f_.store_v128(to + offset, load_v128(from + offset, 0, 1), 0, 1);
  };
  f_.while_([&] { return at < last; },
            [&] {
              copy(at);
              at += kVectorBytes;
            });
  copy(last);
}

void NestEmitter::fill_row(const CanonicalStage& stage, I32 bytes) {
  const DType type = nest_.accesses[static_cast<std::size_t>(stage.target)].type;
  const Var<I32> to = f_.local<I32>(address(stage.target, stage.target_extras, 0));
  // The first element is stored as its type demands, and read back as bits.
  gen_.ops().store(type, to.get(), gen_.scalar(stage.body));
  const auto splat = [&] {
    switch (ir::byte_size(type)) {
      case 1:
        return v128::load8_splat(to);
      case 2:
        return v128::load16_splat(to);
      case 4:
        return v128::load32_splat(to);
      default:
        return v128::load64_splat(to);
    }
  };
  const Var<V128> value = f_.local<V128>(splat());
  const Var<I32> last = f_.local<I32>(std::move(bytes) - kVectorBytes), at = f_.local<I32>(f_.i32(0));
  f_.while_([&] { return at < last; },
            [&] {
              f_.store_v128(to + at, value, 0, 1);
              at += kVectorBytes;
            });
  f_.store_v128(to + last, value, 0, 1);
}

I32 NestEmitter::repeat_row(const CanonicalStage& stage, int times, const Var<I32>& elements) {
  const DType type = nest_.accesses[static_cast<std::size_t>(stage.target)].type;
  const int size = ir::byte_size(type);
  const ir::ExprNode* read = copied_read(stage.body, type);
  const Var<I32> to = f_.local<I32>(address(stage.target, stage.target_extras, 0));
  const Var<I32> from = f_.local<I32>(address(read->slot, read->args, 0));
  // In bytes of the source, whose elements are all repeated `times` times but for the last.
  const Var<I32> whole = f_.local<I32>(div_unsigned(elements, times));
  const Var<I32> last = f_.local<I32>(whole * size - kVectorBytes), at = f_.local<I32>(f_.i32(0));
  const Var<V128> source = f_.local<V128>();
  const Var<I32> line = f_.local<I32>();
  const auto round = [&] {
    source.set(load_v128(from + at, 0, 1));
    line.set(to + at * times);
    for (int part = 0; part < times; ++part) {
      std::array<uint8_t, kVectorBytes> bytes{};
      for (int k = 0; k < kVectorBytes; ++k) {
        const int element = (part * kVectorBytes + k) / size / times;
        bytes[static_cast<std::size_t>(k)] = static_cast<uint8_t>(element * size + k % size);
      }
      f_.store_v128(line, v128::shuffle(source, source, bytes), static_cast<uint32_t>(part * kVectorBytes),
                    1);
    }
  };
  f_.while_([&] { return at < last; },
            [&] {
              round();
              at += kVectorBytes;
            });
  at.set(last);
  round();
  return whole * times;
}

}  // namespace o2w::codegen
