#include <fmt/core.h>

#include <unordered_map>

#include "compiler/ir/text.h"
#include "compiler/ir/text_names.h"
#include "compiler/ir/text_quote.h"

namespace o2w::ir {
namespace {

// Nesting of an expression's text; deeper parts get names, which also keeps parsers shallow.
constexpr int kMaxNesting = 24;

std::string number(DType type, double value) {
  // Shortest text that reads back as the same number.
  std::string text =
      type == DType::f64 ? fmt::format("{}", value) : fmt::format("{}", static_cast<float>(value));
  if (text.find_first_of(".eni") == std::string::npos) text += ".0";
  return text;
}

std::string literal_text(const ExprNode& e) {
  if (e.type == DType::boolean) return e.literal.integer != 0 ? "true" : "false";
  if (is_float(e.type)) return fmt::format("{}:{}", number(e.type, e.literal.real), name(e.type));
  if (e.type == DType::index) return fmt::format("{}", e.literal.integer);
  if (e.type == DType::u64) return fmt::format("{}:u64", static_cast<uint64_t>(e.literal.integer));
  return fmt::format("{}:{}", e.literal.integer, name(e.type));
}

class ExprPrinter {
 public:
  // Types of reads are left out where the node's inputs tell them.
  explicit ExprPrinter(bool typed_reads) : typed_reads_(typed_reads) {}

  std::string print(const Expr& root) {
    if (root.get() == nullptr) return "";
    walk(root, [&](const ExprNode& node) {
      for (const Expr& arg : node.args) ++uses_[arg.get()];
    });
    walk(root, [&](const ExprNode& node) { visit(node, root.get()); });
    return bindings_ + texts_.at(root.get()).text;
  }

 private:
  struct Text {
    std::string text;
    int nesting = 0;
  };

  void visit(const ExprNode& node, const ExprNode* root) {
    Text made{text_of(node), 0};
    bool compound = false;
    for (const Expr& arg : node.args) {
      const Text& inner = texts_.at(arg.get());
      made.nesting = std::max(made.nesting, inner.nesting + 1);
      compound = compound || !arg->args.empty();
    }
    const bool shared = uses_[&node] > 1 && !node.args.empty() && (node.op != ExprOp::read || compound);
    if (&node != root && (shared || made.nesting > kMaxNesting)) {
      const std::string bound = fmt::format("${}", count_++);
      bindings_ += fmt::format("{} = {}; ", bound, made.text);
      made = {bound, 0};
    }
    texts_[&node] = std::move(made);
  }

  std::string text_of(const ExprNode& e) const {
    switch (e.op) {
      case ExprOp::index:
        return fmt::format("i{}", e.slot);
      case ExprOp::literal:
        return literal_text(e);
      case ExprOp::dim:
        return fmt::format("dim({})", e.dim.to_string());
      case ExprOp::temp:
        return fmt::format("temp{}:{}", e.slot, name(e.type));
      case ExprOp::read:
        return fmt::format("read{}{}{}({})", e.slot, typed_reads_ ? ":" : "",
                           typed_reads_ ? name(e.type) : "", args(e));
      case ExprOp::cast:
      case ExprOp::bitcast:
        return fmt::format("{}:{}({})", name(e.op), name(e.type), args(e));
      case ExprOp::checked_index:
      case ExprOp::broadcast_index:
        return fmt::format("{}({}, {})", name(e.op), args(e), e.dim.to_string());
      default:
        return fmt::format("{}({})", name(e.op), args(e));
    }
  }

  std::string args(const ExprNode& e) const {
    std::string list;
    for (const Expr& arg : e.args) list += (list.empty() ? "" : ", ") + texts_.at(arg.get()).text;
    return list;
  }

  bool typed_reads_;
  std::unordered_map<const ExprNode*, int> uses_;
  std::unordered_map<const ExprNode*, Text> texts_;
  std::string bindings_;
  int count_ = 0;
};

std::string braced(const Expr& e) { return fmt::format("{{ {} }}", ExprPrinter(false).print(e)); }

template <typename List, typename Text>
std::string joined(const List& list, const Text& text) {
  std::string out;
  bool first = true;
  for (const auto& item : list) {
    if (!first) out += ", ";
    first = false;
    out += text(item);
  }
  return out;
}

std::string ints(const std::vector<int64_t>& values) {
  return "[" + joined(values, [](int64_t value) { return fmt::format("{}", value); }) + "]";
}

std::string symbol_list(const std::vector<SymbolRef>& symbols) {
  return "[" + joined(symbols, [](const SymbolRef& symbol) { return Dim::symbol(symbol).to_string(); }) + "]";
}

std::string type_and_shape(const Value& value) {
  return fmt::format("{}{}", name(value.type), to_string(value.shape));
}

std::string declaration(const Value& value) {
  return fmt::format("%{}{}{}: {}", value.id, value.name.empty() ? "" : " ",
                     value.name.empty() ? "" : quoted(value.name), type_and_shape(value));
}

std::string references(const std::vector<Value*>& values) {
  return "(" + joined(values, [](const Value* value) { return fmt::format("%{}", value->id); }) + ")";
}

std::string element(const Tensor& tensor, int64_t i) {
  const DType type = tensor.type();
  if (type == DType::string) return quoted(tensor.string_at(i));
  if (type == DType::c64) {
    return fmt::format("({}, {})", tensor.data<float>()[2 * i], tensor.data<float>()[2 * i + 1]);
  }
  if (type == DType::c128) {
    return fmt::format("({}, {})", tensor.data<double>()[2 * i], tensor.data<double>()[2 * i + 1]);
  }
  if (is_float(type)) {
    return type == DType::f64 ? fmt::format("{}", tensor.as_double(i))
                              : fmt::format("{}", static_cast<float>(tensor.as_double(i)));
  }
  if (type == DType::u64) return fmt::format("{}", static_cast<uint64_t>(tensor.as_int(i)));
  return fmt::format("{}", tensor.as_int(i));
}

// FNV-1a, to tell contents apart in dumps.
uint64_t content_hash(const Tensor& tensor) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3ULL; };
  if (tensor.type() == DType::string) {
    for (const std::string& text : tensor.strings()) {
      for (const char c : text) add(static_cast<uint8_t>(c));
      add(0);
    }
    return hash;
  }
  for (int64_t i = 0; i < tensor.byte_count(); ++i) add(tensor.bytes()[i]);
  return hash;
}

class GraphPrinter {
 public:
  explicit GraphPrinter(const PrintOptions& options) : options_(options) {}

  std::string print(const Graph& graph) {
    out_ = fmt::format("graph {} opset {}", quoted(graph.name), graph.opset);
    if (!graph.source_sha256.empty()) out_ += " sha256 " + quoted(graph.source_sha256);
    out_ += " {\n";
    indent_ = 1;
    for (const auto& [symbol_name, symbol] : graph.symbols()) {
      line(fmt::format("symbol {} {}..{}{}", is_identifier(symbol_name) ? symbol_name : quoted(symbol_name),
                       symbol->lower, symbol->upper, symbol->from_input ? " input" : ""));
    }
    for (const Port& port : graph.inputs)
      line(fmt::format("input {} {}", quoted(port.name), declaration(*port.value)));
    print_nodes(graph.region);
    for (const Port& port : graph.outputs)
      line(fmt::format("output {} %{}", quoted(port.name), port.value->id));
    return out_ + "}\n";
  }

 private:
  void line(const std::string& text) {
    out_.append(static_cast<std::size_t>(2 * indent_), ' ');
    out_ += text + "\n";
  }

  void print_nodes(const Region& region) {
    for (const auto& node : region.nodes) print_node(*node);
  }

  void print_region(const Region& region) {
    ++indent_;
    line("parameters (" + joined(region.parameters, [](const Value* value) { return declaration(*value); }) +
         ")");
    print_nodes(region);
    line("results " + references(region.results));
    --indent_;
  }

  void print_node(const Node& node) {
    std::string head = joined(node.outputs, [](const Value* value) { return declaration(*value); });
    if (!head.empty()) head += " = ";
    head += node.kind_name();
    const std::string origin =
        node.origin ? fmt::format(" from {} {}", quoted(node.origin->node), quoted(node.origin->op)) : "";
    if (const auto* branch = node.as<If>()) {
      line(head + " " + references(node.inputs) + " then {");
      print_region(*branch->then_region);
      line("} else {");
      print_region(*branch->else_region);
      line("} results " + symbol_list(branch->result_symbols) + origin);
    } else if (const auto* loop = node.as<Loop>()) {
      head += " " + references(node.inputs);
      if (loop->trip_count) head += " trip " + loop->trip_count->to_string();
      if (loop->has_condition) head += " condition";
      line(fmt::format("{} carried {} body {{", head, loop->carried));
      print_region(*loop->body);
      std::string tail = "}";
      if (loop->iterations) tail += " iterations " + Dim::symbol(loop->iterations).to_string();
      if (!loop->carried_symbols.empty()) tail += " rebinds " + symbol_list(loop->carried_symbols);
      if (!loop->result_symbols.empty()) tail += " results " + symbol_list(loop->result_symbols);
      line(tail + origin);
    } else {
      line(head + std::visit([&](const auto& kind) { return attributes(kind, node); }, node.attributes) +
           origin);
    }
  }

  std::string attributes(const Constant& constant, const Node&) const {
    const Tensor& tensor = constant.tensor;
    std::string text = fmt::format(" <{}{}", name(tensor.type()), ints(tensor.dims()));
    if (tensor.count() > options_.constant_limit)
      return text + fmt::format(" #{:016x}>", content_hash(tensor));
    for (int64_t i = 0; i < tensor.count(); ++i) text += (i == 0 ? " " : ", ") + element(tensor, i);
    return text + ">";
  }
  static std::string attributes(const Tabulate& tabulate, const Node& node) {
    return " " + references(node.inputs) + " " + braced(tabulate.body);
  }
  static std::string attributes(const Reduce& reduce, const Node& node) {
    std::string text = fmt::format(" {} {} over {} {}", combiner_name(reduce.combiner),
                                   references(node.inputs), to_string(reduce.extents), braced(reduce.body));
    if (reduce.guard) text += " guard " + braced(reduce.guard);
    return text + (reduce.select_last ? " last" : "");
  }
  static std::string attributes(const Einsum& einsum, const Node& node) {
    return fmt::format(" {} \"{},{}->{}\"", references(node.inputs), einsum.lhs, einsum.rhs, einsum.out);
  }
  static std::string attributes(const Convolution& convolution, const Node& node) {
    return fmt::format(" {} strides {} dilations {} pads {} group {}{}", references(node.inputs),
                       ints(convolution.strides), ints(convolution.dilations),
                       to_string(convolution.pads_begin), convolution.group,
                       convolution.transposed ? " transposed" : "");
  }
  static std::string attributes(const Concat& concat, const Node& node) {
    return fmt::format(" {} axis {}", references(node.inputs), concat.axis);
  }
  static std::string attributes(const View&, const Node& node) { return " " + references(node.inputs); }
  static std::string attributes(const Scatter& scatter, const Node& node) {
    std::string text = fmt::format(" {} {} over {} at [", combiner_name(scatter.combiner),
                                   references(node.inputs), to_string(scatter.extents));
    text += joined(scatter.target, [](const Expr& target) { return braced(target); });
    text += "] " + braced(scatter.body);
    return scatter.guard ? text + " guard " + braced(scatter.guard) : text;
  }
  static std::string attributes(const Cumulative& cumulative, const Node& node) {
    return fmt::format(" {} {} axis {}{}{}", combiner_name(cumulative.combiner), references(node.inputs),
                       cumulative.axis, cumulative.exclusive ? " exclusive" : "",
                       cumulative.reverse ? " reverse" : "");
  }
  static std::string attributes(const Sort& sort, const Node& node) {
    return fmt::format(" {} axis {} {}", references(node.inputs), sort.axis,
                       sort.largest ? "largest" : "smallest");
  }
  static std::string attributes(const Compact& compact, const Node& node) {
    return fmt::format(" {} count {}", references(node.inputs), Dim::symbol(compact.count).to_string());
  }
  static std::string attributes(const Bind& bind, const Node& node) {
    return fmt::format(" {} {}", references(node.inputs), symbol_list(bind.symbols));
  }
  static std::string attributes(const Require& require, const Node&) {
    return fmt::format(" {} [{}, {}] {}", relation_name(require.relation), require.a.to_string(),
                       require.b.to_string(), quoted(require.message));
  }
  static std::string attributes(const Random& random, const Node& node) {
    std::string text = fmt::format(" {} {} a {} b {}", distribution_name(random.distribution),
                                   references(node.inputs), random.a, random.b);
    return random.seed ? text + fmt::format(" seed {}", *random.seed) : text;
  }
  static std::string attributes(const Opaque& opaque, const Node& node) {
    std::string text = fmt::format(" {} {}", quoted(opaque.routine), references(node.inputs));
    if (!opaque.ints.empty()) text += " ints " + ints(opaque.ints);
    if (!opaque.floats.empty()) {
      text +=
          " floats [" + joined(opaque.floats, [](double value) { return fmt::format("{}", value); }) + "]";
    }
    if (!opaque.counts.empty()) text += " counts " + symbol_list(opaque.counts);
    if (!opaque.capacity.empty()) {
      text +=
          " capacity [" + joined(opaque.capacity, [](const Shape& shape) { return to_string(shape); }) + "]";
    }
    return text;
  }
  // Printed by print_node.
  static std::string attributes(const If&, const Node&) { return ""; }
  static std::string attributes(const Loop&, const Node&) { return ""; }

  PrintOptions options_;
  std::string out_;
  int indent_ = 0;
};

}  // namespace

std::string to_text(const Graph& graph, const PrintOptions& options) {
  return GraphPrinter(options).print(graph);
}
std::string to_text(const Expr& expression) { return ExprPrinter(true).print(expression); }

}  // namespace o2w::ir
