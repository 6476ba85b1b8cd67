// Operators that compute element by element.
#include <algorithm>
#include <cmath>

#include "tests/property/families.h"

namespace o2w::property {

using ir::DType;
using onnx_frontend::kBool;
using onnx_frontend::kFloats;
using onnx_frontend::kIntegers;
using onnx_frontend::kNumeric;

namespace {

struct Unary {
  const char* op;
  // computed: exact inputs give exact outputs. exact_only: steps or poles make rounding errors grow.
  Exactness exactness = Exactness::rounded;
  bool exact_only = false;
};

const std::vector<Unary> unary_operators = {
    {"Abs", Exactness::computed},
    {"Neg", Exactness::computed},
    {"Relu", Exactness::computed},
    {"Sign", Exactness::computed, true},
    {"Floor", Exactness::computed, true},
    {"Ceil", Exactness::computed, true},
    {"Round", Exactness::computed, true},
    {"Identity", Exactness::moved},
    {"Not", Exactness::moved},
    {"BitwiseNot", Exactness::moved},
    {"IsNaN", Exactness::moved, true},
    {"IsInf", Exactness::moved, true},
    {"Sqrt", Exactness::rounded, true},
    {"Reciprocal", Exactness::rounded, true},
    {"Log", Exactness::rounded, true},
    {"Asin", Exactness::rounded, true},
    {"Acos", Exactness::rounded, true},
    {"Acosh", Exactness::rounded, true},
    {"Atanh", Exactness::rounded, true},
    {"Tan", Exactness::rounded, true},
    {"Shrink", Exactness::rounded, true},
    {"ThresholdedRelu", Exactness::rounded, true},
    {"Exp"},
    {"Sin"},
    {"Cos"},
    {"Atan"},
    {"Sinh"},
    {"Cosh"},
    {"Asinh"},
    {"Tanh"},
    {"Erf"},
    {"Sigmoid"},
    {"LeakyRelu"},
    {"Elu"},
    {"Selu"},
    {"Celu"},
    {"HardSigmoid"},
    {"HardSwish"},
    {"Mish"},
    {"Softplus"},
    {"Softsign"},
    {"Gelu"},
};

AttributeMap attributes_of(Random& random, const std::string& op) {
  AttributeMap attributes;
  if ((op == "LeakyRelu" || op == "Elu" || op == "Celu" || op == "ThresholdedRelu") && random.chance(0.6)) {
    attributes["alpha"] = real(random.pick({0.25, 0.5, 1.0, 2.0}));
  }
  if (op == "HardSigmoid" && random.chance(0.5)) {
    attributes["alpha"] = real(0.25);
    attributes["beta"] = real(0.375);
  }
  if (op == "Shrink") {
    attributes["lambd"] = real(random.pick({0.5, 1.1}));
    attributes["bias"] = real(random.pick({0.0, 0.5}));
  }
  if (op == "Gelu" && random.chance(0.5)) attributes["approximate"] = text("tanh");
  return attributes;
}

// Two operands of one type that broadcast.
std::pair<Known, Known> operands(Maker& m, TypeSet types, bool exact) {
  const Known a = m.value(types, {.exact = exact});
  const Dims& dims = a.dims();
  const auto fits = [&](const Known& b) {
    if (b.type() != a.type()) return false;
    const std::size_t rank = std::min(dims.size(), b.dims().size());
    for (std::size_t d = 1; d <= rank; ++d) {
      const int64_t x = dims[dims.size() - d], y = b.dims()[b.dims().size() - d];
      if (x != y && x != 1 && y != 1) return false;
    }
    return true;
  };
  if (m.random().chance(0.6)) {
    std::vector<Known> candidates;
    for (const Known& known : m.values()) {
      if (fits(known) && (!exact || known.exact)) candidates.push_back(known);
    }
    if (!candidates.empty()) {
      Known b = m.random().pick(candidates);
      return m.random().chance(0.5) ? std::pair(a, b) : std::pair(b, a);
    }
  }
  return {a, m.fresh(a.type(), m.broadcastable(dims), exact)};
}

}  // namespace

void grow_unary(Maker& m) {
  const Unary& unary = m.random().pick(unary_operators);
  const std::string op = unary.op;
  if (!m.has(op)) return;
  // ONNX Runtime computes Shrink of integers in float32, where large ones do not fit.
  const TypeSet types = op == "Shrink" ? kFloats : m.types(op);
  const Known x = m.value(types, {.exact = unary.exact_only});
  m.add(op, {x}, attributes_of(m.random(), op), unary.exactness);
}

void grow_binary(Maker& m) {
  const std::string op = m.random().pick(
      {"Add", "Add", "Add", "Sub", "Mul", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Pow", "Mod", "PRelu"});
  if (op == "Div" || op == "Mod") {
    // Integers: ONNX Runtime raises SIGFPE for a zero divisor, the specification leaves it open.
    const Known x = m.value(op == "Mod" ? kIntegers : m.types(op), {.exact = true});
    Dims dims = m.broadcastable(x.dims());
    ir::Tensor divisors(x.type(), dims);
    for (int64_t i = 0; i < divisors.count(); ++i) {
      const int64_t divisor = m.random().between(1, 5) *
                              (op == "Div" && ir::is_float(x.type()) && m.random().chance(0.3) ? -1 : 1);
      if (ir::is_float(x.type())) {
        divisors.set_double(i, static_cast<double>(divisor));
      } else {
        divisors.set_int(i, divisor);
      }
    }
    AttributeMap attributes;
    if (op == "Mod" && m.random().chance(0.3)) attributes["fmod"] = integer(1);
    m.add(op, {x, m.constant(divisors)}, attributes, Exactness::rounded);
    return;
  }
  if (op == "Pow") {
    const Known x = m.value(kFloats, {.exact = true});
    m.add(op, {x, m.constant(ir::Tensor::scalar(x.type(), m.random().pick({2.0, 3.0, 1.0})))}, {},
          Exactness::rounded);
    return;
  }
  if (op == "PRelu") {
    const Known x = m.value(kFloats);
    Dims slope = x.dims();
    for (int64_t& dim : slope) {
      if (m.random().chance(0.4)) dim = 1;
    }
    m.add(op, {x, m.fresh(x.type(), slope)}, {}, Exactness::computed);
    return;
  }
  auto [a, b] = operands(m, m.types(op), false);
  std::vector<Known> inputs{a, b};
  if ((op == "Max" || op == "Min" || op == "Sum" || op == "Mean") && m.random().chance(0.3)) {
    if (m.random().chance(0.5)) {
      inputs.push_back(m.fresh(a.type(), m.broadcastable(a.dims())));
    } else {
      inputs.pop_back();
    }
  }
  // Mean of integers is left out: the specification has floats only.
  if (op == "Mean" && !ir::is_float(a.type())) return;
  m.add(op, inputs, {}, op == "Mean" ? Exactness::rounded : Exactness::computed);
}

void grow_choice(Maker& m) {
  Random& random = m.random();
  switch (random.below(5)) {
    case 0: {
      auto [a, b] = operands(m, m.types("Where", 1), false);
      const Known condition = m.value(kBool, {.holds = [&](const Known& c) {
                                        // Broadcasts with what is larger of the two.
                                        const Dims& dims = a.rank() >= b.rank() ? a.dims() : b.dims();
                                        if (c.dims().size() > dims.size()) return false;
                                        for (std::size_t d = 1; d <= c.dims().size(); ++d) {
                                          const int64_t x = c.dims()[c.dims().size() - d];
                                          if (x != 1 && x != dims[dims.size() - d]) return false;
                                        }
                                        return true;
                                      }});
      m.add("Where", {condition, a, b});
      return;
    }
    case 1: {
      const Known x = m.value(m.types("Clip"));
      const bool is_float = ir::is_float(x.type());
      const auto bound = [&](int64_t number) {
        return m.constant(is_float ? ir::Tensor::scalar(x.type(), static_cast<double>(number))
                                   : ir::Tensor::scalar(x.type(), number));
      };
      const int64_t low = ir::is_signed(x.type()) ? random.between(-3, 0) : random.between(0, 2);
      const Known none = Maker::absent();
      const bool has_low = random.chance(0.7);
      m.add("Clip",
            {x, has_low ? bound(low) : none,
             !has_low || random.chance(0.7) ? bound(low + random.between(1, 3)) : none},
            {}, Exactness::moved);
      return;
    }
    case 2:
    case 3: {
      const Known x = m.value(m.types("Cast"), {.exact = true});
      const DType to = m.draw_type(onnx_frontend::kMovable);
      // Floats to unsigned types: a negative number is undefined behaviour in ONNX Runtime.
      if (ir::is_float(x.type()) && ir::is_integer(to) && (!ir::is_signed(to) || ir::is_storage_only(to)))
        return;
      m.add("Cast", {x}, {{"to", integer(ir::onnx_code(to))}}, Exactness::computed);
      return;
    }
    default: {
      const std::string op = random.pick({"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"});
      auto [a, b] = operands(m, m.types(op), true);
      m.add(op, {a, b});
    }
  }
}

void grow_logic(Maker& m) {
  const std::string op =
      m.random().pick({"And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift"});
  if (op == "BitShift") {
    const Known x = m.value(onnx_frontend::kUnsigned);
    m.add(op, {x, m.fresh_in(x.type(), m.broadcastable(x.dims()), 0, 7)},
          {{"direction", text(m.random().pick({"LEFT", "RIGHT"}))}});
    return;
  }
  auto [a, b] = operands(m, m.types(op), false);
  m.add(op, {a, b});
}

}  // namespace o2w::property
