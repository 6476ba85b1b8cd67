#include "frontends/onnx/ops/attention/gqa_cache.h"

#include "frontends/onnx/ops/attention/ms_attention.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprOp;
using ir::Shape;
using ir::Value;
using Relation = ir::Require::Relation;

namespace {

Expr to_index(const Expr& e) { return ir::cast(DType::index, e); }

// i32 [batch], computed once: nothing that can fail is left in the loops over keys.
Value* per_entry(Lowering& l, const Dim& batch, const std::function<Expr(ir::Body&, const Expr&)>& make) {
  return l.b().tabulate(DType::i32, {batch}, [&](ir::Body& body, ir::Builder::Indices i) {
    return ir::cast(DType::i32, make(body, i[0]));
  });
}

// Rows that a state of `capacity` rows holds after `tokens`: all as long as they fit; then as many as it
// takes for a block of capacity - window + 1 to have been dropped each time it was full.
Expr resident(const Expr& tokens, const Dim& capacity, int64_t window) {
  const Expr over = tokens - Expr(capacity), block = Expr(capacity - Dim(window) + 1);
  const Expr blocks = floordiv(max(over, 0) + block - 1, block);
  return tokens - blocks * block;
}

// The lower half of a byte's numbers first; each is offset by 8.
Value* packed(Lowering& l, Value* numbers) {
  Shape shape = numbers->shape;
  const Dim size = shape[3];
  shape[3] = ir::ceildiv(size, 2);
  return l.b().tabulate(DType::u8, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto half = [&](const Expr& d) {
      return ir::cast(DType::i32, body.at(numbers, {i[0], i[1], i[2], min(d, Expr(size - 1))})) + 8;
    };
    const Expr second =
        select(lt(i[3] * 2 + 1, Expr(size)), half(i[3] * 2 + 1), ir::literal_int(DType::i32, 8));
    return half(i[3] * 2) + second * 16;
  });
}

Expr scale_at(ir::Body& body, const CacheForm& form, const Expr& head, const Expr& element) {
  const Expr at = form.scale->shape[0].is(1) ? Expr(0) : head * Expr(form.size) + element;
  return body.at(form.scale, {at});
}

// Rows as the state stores them, the heads first.
Value* stored(Lowering& l, const Heads& fresh, const CacheForm& form) {
  Value* x = heads_first(l, fresh);
  if (!form.quantized()) return x;
  const double low = form.bits == 8 ? -128 : -8, high = form.bits == 8 ? 127 : 7;
  Value* numbers = l.b().tabulate(DType::i8, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr e =
        ir::cast(DType::f32, body.at(x, {i[0], i[1], i[2], i[3]})) / scale_at(body, form, i[1], i[3]);
    return ir::cast(DType::i32, min(max(ir::unary(ExprOp::round_even, e), low), high));
  });
  return form.bits == 8 ? numbers : packed(l, numbers);
}

}  // namespace

Expr CacheLengths::at(ir::Body& body, Value* lengths, const Expr& batch) {
  return to_index(body.at(lengths, {batch}));
}

Expr CacheLengths::end(ir::Body& body, const Expr& entry) const {
  return forgets ? at(body, before, entry) + Expr(queries) : at(body, total, entry);
}

CacheLengths cache_lengths(Lowering& l, const Dim& queries, const Dim& fresh, Value* past, int64_t window,
                           bool forgets) {
  ir::Builder& b = l.b();
  CacheLengths n;
  Value* last = l.input(5);
  // [batch], [batch, 1]: any shape with one number per entry.
  n.batch = l.input(0)->shape[0];
  require_equal(l, ir::element_count(last->shape), n.batch, "entries of seqlens_k and the batch");
  last = b.view(last, {n.batch});
  n.queries = queries;
  n.fresh = fresh;
  n.longest = sizes_input(l, 6, 1, "total_sequence_length").front();
  n.past = past == nullptr ? Dim(0) : past->shape[2];
  n.window = window;
  n.forgets = forgets;
  n.rows = forgets ? n.past + fresh : ir::max(n.longest, n.past);
  // A negative length must not count from the end: it is out of range too.
  const Dim bound = forgets ? n.longest : n.rows;
  n.total = per_entry(l, n.batch, [&](ir::Body& body, const Expr& entry) {
    const Expr position = CacheLengths::at(body, last, entry);
    return ir::checked_index(select(lt(position, 0), Expr(bound), position), bound) + 1;
  });
  n.position = per_entry(l, n.batch, [&](ir::Body& body, const Expr& entry) {
    if (past == nullptr) return Expr(0);
    const Expr old = max(CacheLengths::at(body, n.total, entry) - Expr(queries), 0);
    return forgets ? old : select(n.is_first(), Expr(0), old);
  });
  n.before = !forgets ? n.position : per_entry(l, n.batch, [&](ir::Body& body, const Expr& entry) {
    return resident(CacheLengths::at(body, n.position, entry), n.past, window);
  });
  n.kept = per_entry(l, n.batch, [&](ir::Body& body, const Expr& entry) {
    const Expr before = CacheLengths::at(body, n.before, entry);
    // Without new keys all of the entry's are in the state already.
    const bool has_fresh = ir::provably_different(fresh, 0) || ir::provably_equal(fresh, queries);
    const Expr kept =
        has_fresh ? before : select(eq(Expr(fresh), 0), CacheLengths::at(body, n.total, entry), before);
    return min(kept, Expr(n.past));
  });
  return n;
}

Value* cache_rows(Lowering& l, Value* past, const Heads& fresh, const CacheLengths& n,
                  const CacheForm& form) {
  Value* added = stored(l, fresh, form);
  const Shape shape = {added->shape[0], added->shape[1], n.rows, added->shape[3]};
  const Expr zero = literal_number(ir::compute_type(added->type), 0);
  return l.b().tabulate(added->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr place = i[2] - CacheLengths::at(body, n.kept, i[0]);
    const Expr fresh_one =
        select(lt(place, Expr(n.fresh)), body.at(added, {i[0], i[1], max(place, 0), i[3]}), zero);
    if (past == nullptr) return fresh_one;
    return select(lt(place, 0), body.at(past, {i[0], i[1], i[2], i[3]}), fresh_one);
  });
}

Value* cache_after(Lowering& l, Value* rows, const CacheLengths& n) {
  if (!n.forgets) return rows;
  Shape shape = rows->shape;
  shape[2] = n.past;
  const Expr zero = literal_number(ir::compute_type(rows->type), 0);
  return l.b().tabulate(rows->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr held = resident(CacheLengths::at(body, n.total, i[0]), n.past, n.window);
    const Expr from = i[2] + n.end(body, i[0]) - held;
    return select(lt(i[2], held), body.at(rows, {i[0], i[1], max(min(from, Expr(n.rows - 1)), 0), i[3]}),
                  zero);
  });
}

Value* cache_numbers(Lowering& l, Value* rows, const CacheForm& form, DType type) {
  if (!form.quantized()) return rows;
  Shape shape = rows->shape;
  shape[3] = form.size;
  return l.b().tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    Expr number;
    if (form.bits == 8) {
      number = body.at(rows, {i[0], i[1], i[2], i[3]});
    } else {
      const Expr both = ir::cast(DType::i32, body.at(rows, {i[0], i[1], i[2], floordiv(i[3], 2)}));
      number = select(eq(mod(i[3], 2), 0), mod(both, 16), floordiv(both, 16)) - 8;
    }
    return ir::cast(DType::f32, number) * scale_at(body, form, i[1], i[3]);
  });
}

}  // namespace o2w::onnx_frontend
