#include <fmt/core.h>

#include "compiler/ir/contents.h"
#include "compiler/ir/text.h"
#include "compiler/ir/text_expr_parser.h"
#include "compiler/ir/text_names.h"
#include "compiler/support/error.h"

namespace o2w::ir {
namespace {

constexpr int kMaxRegionDepth = 64;

class GraphParser {
 public:
  explicit GraphParser(const std::string& text) : tokens_(tokenize(text)), exprs_(tokens_, graph_) {}

  Graph parse() {
    tokens_.expect_word("graph");
    graph_.name = tokens_.expect_text();
    if (tokens_.accept_word("opset")) graph_.opset = tokens_.expect_int();
    if (tokens_.accept_word("sha256")) graph_.source_sha256 = tokens_.expect_text();
    tokens_.expect_mark("{");
    while (tokens_.accept_word("symbol")) parse_symbol();
    while (tokens_.accept_word("input")) {
      const std::string port = tokens_.expect_text();
      Value* value = declaration();
      graph_.inputs.push_back({port, value});
      graph_.region.parameters.push_back(value);
    }
    while (!tokens_.at_word("output") && !tokens_.at_mark("}")) parse_node(graph_.region);
    while (tokens_.accept_word("output")) {
      const std::string port = tokens_.expect_text();
      Value* value = reference();
      graph_.outputs.push_back({port, value});
      graph_.region.results.push_back(value);
    }
    tokens_.expect_mark("}");
    if (tokens_.peek().kind != Token::Kind::end) tokens_.fail("the end of the text is expected");
    return std::move(graph_);
  }

 private:
  void parse_symbol() {
    const std::string symbol_name =
        tokens_.peek().kind == Token::Kind::text ? tokens_.expect_text() : tokens_.expect_name();
    if (graph_.find_symbol(symbol_name))
      tokens_.fail(fmt::format("the symbol '{}' is declared twice", symbol_name));
    const int64_t lower = tokens_.expect_int();
    tokens_.expect_mark("..");
    const int line = tokens_.peek().line;
    const int64_t upper = tokens_.expect_int();
    // On the next line the word begins the first input.
    const bool from_input = tokens_.peek().line == line && tokens_.accept_word("input");
    graph_.new_symbol(symbol_name, lower, upper, from_input);
  }

  int value_number() {
    tokens_.expect_mark("%");
    const int64_t number = tokens_.expect_int();
    if (number < 0 || number > INT32_MAX / 2) tokens_.fail("a value's number out of range");
    return static_cast<int>(number);
  }

  // %3 "name": f32[2, n]
  Value* declaration() {
    const int id = value_number();
    if (values_.count(id) != 0) tokens_.fail(fmt::format("%{} is defined twice", id));
    const std::string value_name = tokens_.peek().kind == Token::Kind::text ? tokens_.expect_text() : "";
    tokens_.expect_mark(":");
    const DType type = exprs_.type();
    return values_[id] = graph_.new_value_numbered(id, type, exprs_.shape(), value_name);
  }

  Value* reference() {
    const int id = value_number();
    const auto found = values_.find(id);
    if (found == values_.end()) tokens_.fail(fmt::format("%{} is not defined", id));
    return found->second;
  }

  // (a, b, ...)
  template <typename Item>
  auto list(const char* open, const char* close, const Item& item) {
    std::vector<decltype(item())> items;
    tokens_.expect_mark(open);
    if (tokens_.accept_mark(close)) return items;
    do {
      items.push_back(item());
    } while (tokens_.accept_mark(","));
    tokens_.expect_mark(close);
    return items;
  }
  std::vector<Value*> references() {
    return list("(", ")", [&] { return reference(); });
  }
  std::vector<int64_t> ints() {
    return list("[", "]", [&] { return tokens_.expect_int(); });
  }
  std::vector<SymbolRef> symbols() {
    return list("[", "]", [&] { return exprs_.symbol(); });
  }
  Expr braced() {
    tokens_.expect_mark("{");
    const Expr parsed = exprs_.expression(&inputs_);
    tokens_.expect_mark("}");
    return parsed;
  }
  int small_int(const char* word) {
    tokens_.expect_word(word);
    return static_cast<int>(tokens_.expect_int());
  }
  template <typename Enum>
  Enum named(std::optional<Enum> (*find)(std::string_view), const char* what) {
    const std::string word = tokens_.expect_name();
    const std::optional<Enum> found = find(word);
    if (!found) tokens_.fail(fmt::format("'{}' is no {}", word, what));
    return *found;
  }

  void parse_node(Region& region) {
    auto node = std::make_unique<Node>();
    if (tokens_.at_mark("%")) {
      do {
        node->outputs.push_back(declaration());
      } while (tokens_.accept_mark(","));
      tokens_.expect_mark("=");
    }
    inputs_.clear();
    node->attributes = parse_attributes(tokens_.expect_name(), *node);
    if (tokens_.accept_word("from")) {
      const std::string origin = tokens_.expect_text();
      node->origin = std::make_shared<const Origin>(Origin{origin, tokens_.expect_text()});
    }
    for (std::size_t i = 0; i < node->outputs.size(); ++i) {
      node->outputs[i]->producer = node.get();
      node->outputs[i]->output_index = static_cast<int>(i);
      node->outputs[i]->contents = compute_contents(*node, *node->outputs[i]);
    }
    if (const auto* bind = node->as<Bind>();
        bind != nullptr && node->inputs.size() == 1 && !node->inputs[0]->contents) {
      std::vector<Dim> dims;
      for (const SymbolRef& symbol : bind->symbols) dims.push_back(Dim::symbol(symbol));
      if (element_count(node->inputs[0]->shape).is(static_cast<int64_t>(dims.size())))
        node->inputs[0]->contents = dims;
    }
    region.nodes.push_back(std::move(node));
  }

  void parse_inputs(Node& node) { node.inputs = inputs_ = references(); }

  Attributes parse_attributes(const std::string& kind, Node& node) {
    if (kind == "constant") return Constant{parse_tensor()};
    if (kind == "tabulate") {
      parse_inputs(node);
      return Tabulate{braced()};
    }
    if (kind == "reduce") return parse_reduce(node);
    if (kind == "einsum") return parse_einsum(node);
    if (kind == "convolution") return parse_convolution(node);
    if (kind == "concat") {
      parse_inputs(node);
      return Concat{small_int("axis")};
    }
    if (kind == "view") {
      parse_inputs(node);
      return View{};
    }
    if (kind == "scatter") return parse_scatter(node);
    if (kind == "cumulative") {
      Cumulative cumulative{.combiner = named(combiner_from_name, "combiner")};
      parse_inputs(node);
      cumulative.axis = small_int("axis");
      cumulative.exclusive = tokens_.accept_word("exclusive");
      cumulative.reverse = tokens_.accept_word("reverse");
      return cumulative;
    }
    if (kind == "sort") {
      parse_inputs(node);
      Sort sort{.axis = small_int("axis"), .largest = tokens_.accept_word("largest")};
      if (!sort.largest) tokens_.expect_word("smallest");
      return sort;
    }
    if (kind == "compact") {
      parse_inputs(node);
      tokens_.expect_word("count");
      return Compact{exprs_.symbol()};
    }
    if (kind == "bind") {
      parse_inputs(node);
      return Bind{symbols()};
    }
    if (kind == "require") {
      Require require{.relation = named(relation_from_name, "relation")};
      const Shape pair = exprs_.shape();
      if (pair.size() != 2) tokens_.fail("require takes two sizes");
      require.a = pair[0];
      require.b = pair[1];
      require.message = tokens_.expect_text();
      return require;
    }
    if (kind == "if") return parse_if(node);
    if (kind == "loop") return parse_loop(node);
    if (kind == "random") {
      Random random{.distribution = named(distribution_from_name, "distribution")};
      parse_inputs(node);
      tokens_.expect_word("a");
      random.a = tokens_.expect_real();
      tokens_.expect_word("b");
      random.b = tokens_.expect_real();
      if (tokens_.accept_word("seed")) random.seed = static_cast<uint64_t>(tokens_.expect_int());
      return random;
    }
    if (kind == "opaque") return parse_opaque(node);
    tokens_.fail(fmt::format("'{}' is no kind of node", kind));
  }

  Tensor parse_tensor() {
    tokens_.expect_mark("<");
    const DType type = exprs_.type();
    if (type == DType::index) tokens_.fail("a constant of type index");
    Tensor tensor(type, ints());
    if (tokens_.accept_mark("#")) {
      while (!tokens_.at_mark(">")) tokens_.next();
    }
    std::vector<std::string> strings;
    for (int64_t i = 0; i < tensor.count() && !tokens_.at_mark(">"); ++i) {
      if (i > 0) tokens_.expect_mark(",");
      if (type == DType::string) {
        strings.push_back(tokens_.expect_text());
      } else if (type == DType::c64 || type == DType::c128) {
        parse_complex(tensor, i);
      } else if (is_float(type)) {
        tensor.set_double(i, tokens_.expect_real());
      } else {
        tensor.set_int(i, tokens_.expect_int());
      }
    }
    tokens_.expect_mark(">");
    if (!strings.empty()) {
      strings.resize(static_cast<std::size_t>(tensor.count()));
      return Tensor::of_strings(tensor.dims(), std::move(strings));
    }
    return tensor;
  }

  void parse_complex(Tensor& tensor, int64_t i) {
    tokens_.expect_mark("(");
    const double re = tokens_.expect_real();
    tokens_.expect_mark(",");
    const double im = tokens_.expect_real();
    tokens_.expect_mark(")");
    if (tensor.type() == DType::c64) {
      tensor.mutable_data<float>()[2 * i] = static_cast<float>(re);
      tensor.mutable_data<float>()[2 * i + 1] = static_cast<float>(im);
    } else {
      tensor.mutable_data<double>()[2 * i] = re;
      tensor.mutable_data<double>()[2 * i + 1] = im;
    }
  }

  Attributes parse_reduce(Node& node) {
    Reduce reduce{.combiner = named(combiner_from_name, "combiner")};
    parse_inputs(node);
    tokens_.expect_word("over");
    reduce.extents = exprs_.shape();
    reduce.body = braced();
    if (tokens_.accept_word("guard")) reduce.guard = braced();
    reduce.select_last = tokens_.accept_word("last");
    return reduce;
  }

  Attributes parse_einsum(Node& node) {
    parse_inputs(node);
    const std::string labels = tokens_.expect_text();
    const std::size_t comma = labels.find(','), arrow = labels.find("->");
    if (comma == std::string::npos || arrow == std::string::npos || comma > arrow) {
      tokens_.fail("labels are written \"mk,kn->mn\"");
    }
    return Einsum{labels.substr(0, comma), labels.substr(comma + 1, arrow - comma - 1),
                  labels.substr(arrow + 2)};
  }

  Attributes parse_convolution(Node& node) {
    parse_inputs(node);
    Convolution convolution;
    tokens_.expect_word("strides");
    convolution.strides = ints();
    tokens_.expect_word("dilations");
    convolution.dilations = ints();
    tokens_.expect_word("pads");
    convolution.pads_begin = exprs_.shape();
    tokens_.expect_word("group");
    convolution.group = tokens_.expect_int();
    convolution.transposed = tokens_.accept_word("transposed");
    return convolution;
  }

  Attributes parse_scatter(Node& node) {
    Scatter scatter{.combiner = named(combiner_from_name, "combiner")};
    parse_inputs(node);
    tokens_.expect_word("over");
    scatter.extents = exprs_.shape();
    tokens_.expect_word("at");
    scatter.target = list("[", "]", [&] { return braced(); });
    scatter.body = braced();
    if (tokens_.accept_word("guard")) scatter.guard = braced();
    return scatter;
  }

  std::unique_ptr<Region> parse_region() {
    if (++region_depth_ > kMaxRegionDepth) tokens_.fail("regions nested too deeply");
    auto region = std::make_unique<Region>();
    tokens_.expect_mark("{");
    tokens_.expect_word("parameters");
    region->parameters = list("(", ")", [&] { return declaration(); });
    while (!tokens_.at_word("results")) parse_node(*region);
    tokens_.next();
    region->results = references();
    tokens_.expect_mark("}");
    --region_depth_;
    return region;
  }

  Attributes parse_if(Node& node) {
    parse_inputs(node);
    If branch;
    tokens_.expect_word("then");
    branch.then_region = parse_region();
    tokens_.expect_word("else");
    branch.else_region = parse_region();
    tokens_.expect_word("results");
    branch.result_symbols = symbols();
    return branch;
  }

  Attributes parse_loop(Node& node) {
    parse_inputs(node);
    Loop loop;
    if (tokens_.accept_word("trip")) loop.trip_count = exprs_.dim();
    loop.has_condition = tokens_.accept_word("condition");
    loop.carried = small_int("carried");
    tokens_.expect_word("body");
    loop.body = parse_region();
    if (tokens_.accept_word("iterations")) loop.iterations = exprs_.symbol();
    if (tokens_.accept_word("rebinds")) loop.carried_symbols = symbols();
    if (tokens_.accept_word("results")) loop.result_symbols = symbols();
    return loop;
  }

  Attributes parse_opaque(Node& node) {
    Opaque opaque{.routine = tokens_.expect_text()};
    parse_inputs(node);
    if (tokens_.accept_word("ints")) opaque.ints = ints();
    if (tokens_.accept_word("floats")) opaque.floats = list("[", "]", [&] { return tokens_.expect_real(); });
    if (tokens_.accept_word("counts")) opaque.counts = symbols();
    if (tokens_.accept_word("capacity")) opaque.capacity = list("[", "]", [&] { return exprs_.shape(); });
    return opaque;
  }

  TokenStream tokens_;
  Graph graph_;
  ExprParser exprs_;
  std::map<int, Value*> values_;
  std::vector<Value*> inputs_;  // of the node being parsed
  int region_depth_ = 0;
};

}  // namespace

Result<Graph> parse_graph(const std::string& text, Diagnostics& diagnostics) {
  try {
    return GraphParser(text).parse();
  } catch (const ParseError& error) {
    diagnostics.error({}, fmt::format("line {} column {}: {}", error.line, error.column, error.message));
  } catch (const std::exception& error) {  // a type error in an expression, or sizes beyond 64 bits
    diagnostics.error({}, error.what());
  }
  return std::nullopt;
}

}  // namespace o2w::ir
