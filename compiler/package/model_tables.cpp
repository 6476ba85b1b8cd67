#include "compiler/package/model_tables.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "compiler/codegen/dim_bytes.h"
#include "compiler/package/message_table.h"
#include "compiler/package/sidecar.h"
#include "compiler/package/string_table.h"
#include "compiler/support/error.h"

namespace o2w::package {

namespace {

constexpr int64_t kMemoryLimit = 0xfff00000;
// From so many bytes on weights begin with a line of the cache.
constexpr int64_t kLargeWeights = 1024;
// Block headers, contexts and descriptors of the runtime library's heap, generously.
constexpr int64_t kHeapOverhead = 16384;

constexpr int64_t kMostPackedBytes = 5;

void append_signed(std::vector<uint8_t>& out, int64_t value) {
  codegen::append_leb(out, static_cast<uint64_t>(value) << 1 ^ (value < 0 ? ~uint64_t{0} : 0));
}

int64_t align(int64_t value, int64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

class TableWriter {
 public:
  explicit TableWriter(int64_t base) : base_(align(base, 16)) {}

  // Address of `count` structs, zeros for now.
  template <typename T>
  uint32_t reserve(std::size_t count) {
    bytes_.resize(static_cast<std::size_t>(align(static_cast<int64_t>(bytes_.size()), 16)));
    const uint32_t address = end();
    bytes_.resize(bytes_.size() + count * sizeof(T));
    return count ? address : 0;
  }
  template <typename T>
  void put(uint32_t address, std::size_t index, const T& value) {
    std::memcpy(bytes_.data() + (address - base_) + index * sizeof(T), &value, sizeof(T));
  }
  // Equal ones share it.
  template <typename T>
  uint32_t add(const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
    const auto [found, is_new] = structs_.try_emplace({bytes, bytes + values.size() * sizeof(T)}, 0);
    if (!is_new) return found->second;
    const uint32_t address = found->second = reserve<T>(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) put(address, i, values[i]);
    return address;
  }
  uint32_t add_bytes(const std::vector<uint8_t>& values) {
    const uint32_t address = end();
    bytes_.insert(bytes_.end(), values.begin(), values.end());
    return address;
  }
  // Address of NUL-terminated text; equal texts share it.
  uint32_t text(const std::string& text) {
    const auto [found, is_new] = texts_.try_emplace(text, end());
    if (is_new) bytes_.insert(bytes_.end(), text.c_str(), text.c_str() + text.size() + 1);
    return found->second;
  }

  int64_t base() const { return base_; }
  uint32_t end() const { return static_cast<uint32_t>(base_ + static_cast<int64_t>(bytes_.size())); }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  int64_t base_;
  std::vector<uint8_t> bytes_;
  std::map<std::string, uint32_t> texts_;
  std::map<std::vector<uint8_t>, uint32_t> structs_;
};

class Layouter {
 public:
  Layouter(const schedule::Program& program, int64_t start, bool sidecar)
      : program_(program), dims_(program.symbols), tables_(start), sidecar_(sidecar) {}

  MemoryLayout run(const codegen::MemoryNeeds& needs) {
    layout_.map.buffer_address.assign(program_.buffers.size(), -1);
    abi::ModelDescriptor& model = layout_.descriptor;
    model.version = abi::kVersion;
    model.name = tables_.text(program_.name);
    // Weights come after the tables, whose size does not depend on addresses: ports are written at the end.
    const uint32_t inputs = tables_.reserve<abi::PortSpec>(program_.inputs.size());
    const uint32_t outputs = tables_.reserve<abi::PortSpec>(program_.outputs.size());
    std::vector<uint32_t> input_dims, output_dims;
    for (const auto& port : program_.inputs) input_dims.push_back(port_dims(port, "input"));
    for (const auto& port : program_.outputs) output_dims.push_back(port_dims(port, "output"));
    add_symbols();
    add_errors();
    const uint32_t sidecar = tables_.reserve<abi::WeightsDescriptor>(sidecar_ ? 1 : 0);
    layout_.map.steps = tables_.add_bytes(std::vector<uint8_t>(static_cast<std::size_t>(needs.step_bytes)));
    add_arena();
    layout_.tables_address = tables_.base();
    // Constants are packed when all addresses are known: room for the most that they may take.
    layout_.packed_constants = tables_.end();
    int64_t end = layout_.packed_constants + kMostPackedBytes * needs.constant_count;

    // Zeroed when the module is instantiated: needs no data.
    const auto reserve = [&](int64_t bytes) {
      end = align(end, 16);
      const int64_t address = end;
      end += bytes;
      return address;
    };
    layout_.map.constants = reserve(4 * needs.constant_count);
    layout_.map.symbol_table = reserve(8 * static_cast<int64_t>(program_.symbols.size()));
    layout_.map.dim_table =
        reserve(4 * (int64_t{needs.dim_count} + static_cast<int64_t>(program_.buffers.size())));
    layout_.map.pointer_table = layout_.map.dim_table + 4 * int64_t{needs.dim_count};
    layout_.map.setup_cell = reserve(4);
    layout_.map.scratch = reserve(codegen::kScratchBytes);
    end = place_derived(end, false);
    if (sidecar_) end = align(end, abi::kAlignment);
    const int64_t weights_start = end;
    end = place_weights(end);
    const int64_t arena_start = align(end, abi::kAlignment);
    end = place_tensors(end, true);
    if (sidecar_ && !layout_.weights.empty()) {
      end = align(end, abi::kAlignment);
      describe_sidecar(weights_start, end);
      model.weights = sidecar;
      tables_.put(sidecar, 0, layout_.sidecar);
    }
    end = place_derived(end, true);
    end = std::max(end, place_arena(arena_start));
    layout_.map.zeros = end = align(end, abi::kAlignment);
    layout_.map.workspace = end = align(end + needs.zero_bytes, abi::kAlignment);
    end += needs.workspace_bytes;
    layout_.heap_start = align(end, abi::kAlignment);
    if (layout_.heap_start > kMemoryLimit) {
      fail_model(
          "the model needs {} MiB for weights and intermediate tensors; 32-bit WebAssembly memory ends at "
          "4096 MiB. Use smaller "
          "input shapes or a quantized model",
          layout_.heap_start >> 20);
    }

    write_ports(inputs, program_.inputs, input_dims, false);
    write_ports(outputs, program_.outputs, output_dims, true);
    model.input_count = static_cast<uint32_t>(program_.inputs.size());
    model.output_count = static_cast<uint32_t>(program_.outputs.size());
    model.inputs = inputs;
    model.outputs = outputs;
    model.symbol_values = static_cast<uint32_t>(layout_.map.symbol_table);
    model.buffer_count = static_cast<uint32_t>(program_.buffers.size());
    model.dim_table = static_cast<uint32_t>(layout_.map.dim_table);
    model.steps = static_cast<uint32_t>(layout_.map.steps);
    model.constants = static_cast<uint32_t>(layout_.map.constants);
    model.constant_count = static_cast<uint32_t>(needs.constant_count);
    model.packed_constants = static_cast<uint32_t>(layout_.packed_constants);
    model.pointer_table = static_cast<uint32_t>(layout_.map.pointer_table);
    model.heap_start = static_cast<uint32_t>(layout_.heap_start);
    if (layout_.reserve > 0) layout_.reserve += kHeapOverhead;
    layout_.tables = tables_.take();
    return std::move(layout_);
  }

 private:
  uint32_t port_dims(const schedule::ProgramPort& port, const char* what) {
    if (port.shape.size() > abi::kMaxRank) {
      fail_model("{} '{}': has {} dimensions; a module's inputs and outputs have at most {}", what, port.name,
                 port.shape.size(), abi::kMaxRank);
    }
    if (ir::byte_size(port.type) == 0) {
      fail_model(
          "{} '{}': {} tensors cannot pass a module's interface; cut the model before or behind the nodes "
          "that handle them",
          what, port.name, ir::user_name(port.type));
    }
    tables_.text(port.name);  // all texts are in place before addresses behind the tables are given out
    std::vector<abi::DimSpec> specs;
    for (const ir::Dim& dim : port.shape) {
      abi::DimSpec spec = {};
      if (dim.is_constant()) {
        if (dim.value() > std::numeric_limits<int32_t>::max())
          fail_model("{} '{}': a dimension of {}; there is room for at most 2147483647", what, port.name,
                     dim.value());
        spec.value = static_cast<int32_t>(dim.value());
      } else if (const ir::SymbolRef symbol = dim.as_symbol()) {
        spec.kind = abi::DimKind::kSymbol;
        spec.value = static_cast<int32_t>(dims_.number(*symbol));
        spec.text = tables_.text(symbol->name);
      } else {
        spec.kind = abi::DimKind::kExpression;
        spec.value = static_cast<int32_t>(tables_.add_bytes(dims_.code(dim)));
        spec.text = tables_.text(dim.to_string());
      }
      specs.push_back(spec);
    }
    return tables_.add(specs);
  }

  void add_symbols() {
    std::vector<abi::SymbolSpec> symbols;
    for (const ir::SymbolRef& symbol : program_.symbols) {
      symbols.push_back(
          {symbol->lower, symbol->upper, tables_.text(symbol->name), symbol->from_input ? 1u : 0u});
    }
    layout_.descriptor.symbol_count = static_cast<uint32_t>(symbols.size());
    layout_.descriptor.symbols = tables_.add(symbols);
  }

  void add_errors() {
    const MessageTable messages = make_message_table(program_.errors);
    layout_.descriptor.error_count = static_cast<uint32_t>(program_.errors.size());
    layout_.descriptor.errors = tables_.add_bytes(messages.bytes);
    layout_.descriptor.phrase_count = messages.phrase_count;
  }

  // After the steps, from which on places are counted.
  void add_arena() {
    std::vector<uint8_t> arena;
    uint64_t last = 0;
    int64_t last_use = 0;
    std::map<ir::Dim, uint64_t> sizes;
    for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
      const schedule::Buffer& buffer = program_.buffers[i];
      if (buffer.storage != schedule::Storage::arena || buffer.offset >= 0) continue;
      auto [size, is_new] = sizes.try_emplace(buffer.bytes, 0);
      if (is_new) size->second = tables_.add_bytes(dims_.code(buffer.bytes)) - layout_.map.steps;
      codegen::append_leb(arena, size->second);
      codegen::append_leb(arena, i - last);
      append_signed(arena, int64_t{buffer.first_use} - last_use);
      last = i;
      last_use = buffer.first_use;
      codegen::append_leb(arena, static_cast<uint64_t>(buffer.last_use - buffer.first_use));
      ++layout_.descriptor.arena_count;
    }
    layout_.descriptor.arena = tables_.add_bytes(arena);
  }

  // What the module has in place of a string tensor's handles; places bytes and table of the strings first.
  int64_t place_strings(int64_t end) {
    StringTable strings;
    for (const schedule::Buffer& buffer : program_.buffers) {
      if (buffer.storage == schedule::Storage::weights && buffer.contents.type() == ir::DType::string)
        strings.add(buffer.contents);
    }
    if (strings.empty()) return end;
    const auto place = [&](ir::Tensor tensor) {
      end = align(end, 16);
      const int64_t address = end;
      end += tensor.byte_count();
      layout_.weight_bytes += tensor.byte_count();
      layout_.made.push_back(std::move(tensor));
      layout_.weights.push_back({address, &layout_.made.back()});
      return address;
    };
    strings.place_at(place(strings.bytes()));
    const ir::Tensor table = strings.table();
    layout_.descriptor.string_slots = static_cast<uint32_t>(table.count());
    layout_.descriptor.strings = static_cast<uint32_t>(place(table));
    for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
      const schedule::Buffer& buffer = program_.buffers[i];
      if (buffer.storage != schedule::Storage::weights || buffer.contents.type() != ir::DType::string)
        continue;
      if (buffer.contents.count() > 0)
        layout_.map.buffer_address[i] = place(strings.in_module(buffer.contents));
    }
    return end;
  }

  int64_t place_weights(int64_t end) { return place_tensors(place_strings(end), false); }

  // Those that only the setup reads, or all others.
  int64_t place_tensors(int64_t end, bool of_setup) {
    const std::set<const uint8_t*> only_setup = tensors_of_setup();
    if (of_setup && only_setup.empty()) return end;
    end = of_setup ? align(end, abi::kAlignment) : end;
    // Buffers that view the same bytes share an address. Those that end where the next may begin come first,
    // so that few gaps are shipped.
    std::map<std::pair<const uint8_t*, int64_t>, int64_t> placed;
    for (const bool whole_lines : {true, false}) {
      for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
        const schedule::Buffer& buffer = program_.buffers[i];
        if (buffer.storage != schedule::Storage::weights || layout_.map.buffer_address[i] >= 0) continue;
        const ir::Tensor& tensor = buffer.contents;
        if ((tensor.byte_count() % abi::kAlignment == 0) != whole_lines) continue;
        if (only_setup.contains(tensor.bytes()) != of_setup) continue;
        const auto [found, is_new] = placed.try_emplace({tensor.bytes(), tensor.byte_count()}, 0);
        if (is_new) {
          end = align(end, tensor.byte_count() < kLargeWeights && !whole_lines ? 16 : abi::kAlignment);
          found->second = end;
          if (tensor.byte_count() > 0) layout_.weights.push_back({end, &tensor});
          layout_.weight_bytes += tensor.byte_count();
          end += tensor.byte_count();
        }
        layout_.map.buffer_address[i] = found->second;
      }
    }
    return end;
  }

  // Weights of which the setup makes derived ones (Winograd's filters), and which no step reads afterwards:
  // where they lie the arena may be, which is first written when they have served.
  std::set<const uint8_t*> tensors_of_setup() const {
    std::set<int> setup, other;
    collect(program_.setup, setup);
    collect(program_.steps, other);
    for (const schedule::ProgramPort& port : program_.outputs) other.insert(port.buffer);
    std::set<const uint8_t*> tensors;
    const auto contents = [&](int number) -> const ir::Tensor* {
      const schedule::Buffer& buffer = program_.buffers.at(static_cast<std::size_t>(number));
      const bool is_tensor =
          buffer.storage == schedule::Storage::weights && buffer.contents.type() != ir::DType::string;
      return is_tensor && buffer.contents.byte_count() > 0 ? &buffer.contents : nullptr;
    };
    for (const int number : setup) {
      if (const ir::Tensor* tensor = contents(number)) tensors.insert(tensor->bytes());
    }
    for (const int number : other) {
      if (number < 0) continue;
      if (const ir::Tensor* tensor = contents(number)) tensors.erase(tensor->bytes());
    }
    return tensors;
  }

  // The buffers that steps read or write.
  static void collect(const schedule::Steps& steps, std::set<int>& buffers) {
    for (const schedule::Step& step : steps) {
      if (const auto* call = std::get_if<schedule::Call>(&step.what)) {
        for (const schedule::Address& pointer : call->pointers) buffers.insert(pointer.buffer);
      } else if (const auto* branch = std::get_if<schedule::Branch>(&step.what)) {
        buffers.insert(branch->condition.buffer);
        if (branch->then_steps) collect(*branch->then_steps, buffers);
        if (branch->else_steps) collect(*branch->else_steps, buffers);
      } else if (const auto* repeat = std::get_if<schedule::Repeat>(&step.what)) {
        buffers.insert({repeat->iteration.buffer, repeat->condition.buffer});
        if (repeat->body) collect(*repeat->body, buffers);
      } else if (const auto* bind = std::get_if<schedule::BindSymbols>(&step.what)) {
        buffers.insert(bind->source.buffer);
      }
    }
  }

  // What the setup makes of weights for itself alone, or for the steps. Where the former lies the arena may
  // be.
  int64_t place_derived(int64_t end, bool of_setup) {
    std::set<int> used;
    collect(program_.steps, used);
    for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
      const schedule::Buffer& buffer = program_.buffers[i];
      if (buffer.storage != schedule::Storage::derived || used.contains(static_cast<int>(i)) == of_setup)
        continue;
      layout_.map.buffer_address[i] = end = align(end, abi::kAlignment);
      end += buffer.bytes.value();
    }
    return end;
  }

  // Weights that are the contents of [start, end) as files beside the module hold them.
  void describe_sidecar(int64_t start, int64_t end) {
    if (end > kMemoryLimit) return;  // which is an error
    int64_t position = start;
    for (const MemoryLayout::Weights& part : layout_.weights) {
      layout_.sidecar_bytes.add_zeros(part.address - position);
      layout_.sidecar_bytes.add(*part.tensor);
      position = part.address + part.tensor->byte_count();
    }
    layout_.sidecar_bytes.add_zeros(end - position);
    const uint64_t hash = weights_hash(layout_.sidecar_bytes);
    layout_.sidecar = {.address = static_cast<uint32_t>(start),
                       .bytes = static_cast<uint32_t>(end - start),
                       .hash = {static_cast<uint32_t>(hash), static_cast<uint32_t>(hash >> 32)},
                       .committed = 0};
  }

  int64_t place_arena(int64_t end) {
    const int64_t base = align(end, abi::kAlignment);
    for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
      const schedule::Buffer& buffer = program_.buffers[i];
      if (buffer.storage != schedule::Storage::arena || buffer.offset < 0) continue;
      layout_.map.buffer_address[i] = base + buffer.offset;
    }
    return base + program_.arena_bytes;
  }

  void write_ports(uint32_t address, const std::vector<schedule::ProgramPort>& ports,
                   const std::vector<uint32_t>& dims, bool are_outputs) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const schedule::ProgramPort& port = ports[i];
      abi::PortSpec spec = {};
      spec.name = tables_.text(port.name);
      spec.dtype = static_cast<uint32_t>(ir::onnx_code(port.type));
      spec.element_bytes = static_cast<uint32_t>(ir::byte_size(port.type));
      spec.rank = static_cast<uint32_t>(port.shape.size());
      spec.dims = dims[i];
      spec.buffer = static_cast<uint32_t>(port.buffer);
      const bool rank_by_run = port.list && port.list->kind == ir::ListType::Kind::tensor;
      if (rank_by_run) {
        spec.flags |= abi::kRankByRun;
        spec.dtype = static_cast<uint32_t>(ir::onnx_code(port.list->element));
        spec.element_bytes = static_cast<uint32_t>(ir::byte_size(port.list->element));
      } else if (ir::is_static(port.shape)) {
        spec.flags |= abi::kStatic;
        layout_.reserve += align(ir::element_count(port.shape).value() * spec.element_bytes, 64) + 128;
      }
      if (are_outputs) {
        const schedule::Buffer& buffer = program_.buffers.at(static_cast<std::size_t>(port.buffer));
        spec.flags |= output_flags(buffer, port.buffer);
        if (buffer.storage == schedule::Storage::weights) {
          spec.address =
              static_cast<uint32_t>(layout_.map.buffer_address[static_cast<std::size_t>(port.buffer)]);
        }
      }
      tables_.put(address, i, spec);
    }
  }

  uint32_t output_flags(const schedule::Buffer& buffer, int number) {
    // A second output that is the same buffer has no data of its own.
    const bool is_repeated = !output_buffers_.insert(number).second;
    switch (buffer.storage) {
      case schedule::Storage::weights:
      case schedule::Storage::input:
        return abi::kBorrowed;
      case schedule::Storage::output:
        return (is_repeated ? uint32_t{abi::kBorrowed} : 0) |
               (buffer.allocated_by_run ? uint32_t{abi::kSizedByRun} : 0);
      case schedule::Storage::derived:
      case schedule::Storage::heap:
      case schedule::Storage::arena:
        break;
    }
    fail_internal("an output lies in memory that the run itself frees or overwrites");
  }

  const schedule::Program& program_;
  codegen::DimBytes dims_;
  TableWriter tables_;
  bool sidecar_;
  MemoryLayout layout_;
  std::set<int> output_buffers_;
};

}  // namespace

void put_steps(MemoryLayout& layout, const std::vector<uint8_t>& bytes,
               const std::vector<int32_t>& constants) {
  std::copy(bytes.begin(), bytes.end(), layout.tables.begin() + (layout.map.steps - layout.tables_address));
  int64_t before = 0;
  for (const int32_t value : constants) {
    append_signed(layout.tables, value - before);
    before = value;
  }
}

MemoryLayout lay_out(const schedule::Program& program, int64_t start, const codegen::MemoryNeeds& needs,
                     bool sidecar) {
  return Layouter(program, start, sidecar).run(needs);
}

}  // namespace o2w::package
