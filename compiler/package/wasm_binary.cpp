#include "compiler/package/wasm_binary.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "compiler/support/error.h"

namespace o2w::package {

namespace {

constexpr uint8_t kHeader[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
constexpr uint8_t kI32Const = 0x41, kEnd = 0x0b;

std::size_t leb_size(uint64_t value) {
  std::size_t size = 1;
  while (value >>= 7) ++size;
  return size;
}

void append_bytes(std::vector<uint8_t>& out, std::span<const uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

int64_t end_of(const DataSegment::Part& part) {
  return part.address + static_cast<int64_t>(part.bytes.size());
}

uint64_t size_of(const DataSegment& segment) {
  return segment.parts.empty()
             ? 0
             : static_cast<uint64_t>(end_of(segment.parts.back()) - segment.parts.front().address);
}

// Collects bytes that come one by one, and large tensors as they are.
class Writer {
 public:
  std::vector<uint8_t> bytes;
  void add(const ir::Tensor& tensor) {
    constexpr int64_t kLarge = 4096;
    if (tensor.byte_count() < kLarge) {
      append_bytes(bytes, {tensor.bytes(), static_cast<std::size_t>(tensor.byte_count())});
      return;
    }
    out_.add(std::exchange(bytes, {}));
    out_.add(tensor);
  }
  Pieces finish() {
    out_.add(std::move(bytes));
    return std::move(out_);
  }

 private:
  Pieces out_;
};

void append_data_section(Writer& out, const std::vector<DataSegment>& data) {
  std::vector<std::vector<uint8_t>> heads;
  uint64_t size = leb_size(data.size());
  for (const DataSegment& segment : data) {
    std::vector<uint8_t>& head = heads.emplace_back();
    head.push_back(0);  // active, memory 0
    head.push_back(kI32Const);
    append_signed_leb(head, static_cast<int32_t>(static_cast<uint32_t>(segment.parts.front().address)));
    head.push_back(kEnd);
    append_leb(head, size_of(segment));
    size += head.size() + size_of(segment);
  }
  out.bytes.push_back(static_cast<uint8_t>(SectionId::data));
  append_leb(out.bytes, size);
  append_leb(out.bytes, data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    append_bytes(out.bytes, heads[i]);
    int64_t position = data[i].parts.front().address;
    for (const DataSegment::Part& part : data[i].parts) {
      ensure(part.address >= position, "data segments out of order");
      out.bytes.insert(out.bytes.end(), static_cast<std::size_t>(part.address - position), 0);
      if (part.tensor) {
        out.add(*part.tensor);
      } else {
        append_bytes(out.bytes, part.bytes);
      }
      position = end_of(part);
    }
  }
}

}  // namespace

uint64_t read_leb(std::span<const uint8_t> bytes, std::size_t& at) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    ensure(at < bytes.size(), "a module ends in the middle of a number");
    const uint8_t byte = bytes[at++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail_internal("a number in a module is too long");
}

int64_t read_signed_leb(std::span<const uint8_t> bytes, std::size_t& at, int bits) {
  uint64_t value = 0;
  for (int shift = 0; shift < bits; shift += 7) {
    ensure(at < bytes.size(), "a module ends in the middle of a number");
    const uint8_t byte = bytes[at++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    if ((byte & 0x40) != 0 && shift + 7 < 64) value |= ~uint64_t{0} << (shift + 7);
    return static_cast<int64_t>(value);
  }
  fail_internal("a number in a module is too long");
}

uint32_t count_imported_functions(std::span<const uint8_t> import_section) {
  std::size_t at = 0;
  uint32_t functions = 0;
  const uint64_t count = read_leb(import_section, at);
  for (uint64_t k = 0; k < count; ++k) {
    for (int name = 0; name < 2; ++name) {
      const uint64_t length = read_leb(import_section, at);
      at += length;
    }
    const uint64_t kind = read_leb(import_section, at);
    ensure(kind == 0, "an import that is no function");
    read_leb(import_section, at);  // its type
    ++functions;
  }
  return functions;
}

void append_leb(std::vector<uint8_t>& out, uint64_t value) {
  do {
    const auto byte = static_cast<uint8_t>(value & 0x7f);
    value >>= 7;
    out.push_back(value ? byte | 0x80 : byte);
  } while (value);
}

void append_signed_leb(std::vector<uint8_t>& out, int64_t value) {
  for (;;) {
    const auto byte = static_cast<uint8_t>(value & 0x7f);
    value >>= 7;
    const bool last = (value == 0 && (byte & 0x40) == 0) || (value == -1 && (byte & 0x40) != 0);
    out.push_back(last ? byte : byte | 0x80);
    if (last) return;
  }
}

void append_section(std::vector<uint8_t>& out, SectionId id, std::span<const uint8_t> contents) {
  out.push_back(static_cast<uint8_t>(id));
  append_leb(out, contents.size());
  append_bytes(out, contents);
}

void append_custom_section(std::vector<uint8_t>& out, std::string_view name,
                           std::span<const uint8_t> contents) {
  out.push_back(static_cast<uint8_t>(SectionId::custom));
  append_leb(out, leb_size(name.size()) + name.size() + contents.size());
  append_leb(out, name.size());
  out.insert(out.end(), name.begin(), name.end());
  append_bytes(out, contents);
}

std::vector<Section> read_sections(std::span<const uint8_t> wasm) {
  ensure(wasm.size() >= sizeof kHeader && std::memcmp(wasm.data(), kHeader, sizeof kHeader) == 0,
         "not a WebAssembly module");
  std::vector<Section> sections;
  std::size_t at = sizeof kHeader;
  while (at < wasm.size()) {
    Section section;
    section.id = static_cast<SectionId>(wasm[at++]);
    const uint64_t size = read_leb(wasm, at);
    ensure(size <= wasm.size() - at, "a section of a module is longer than the module");
    section.contents = wasm.subspan(at, size);
    at += size;
    if (section.id == SectionId::custom) {
      std::size_t start = 0;
      const uint64_t length = read_leb(section.contents, start);
      ensure(length <= section.contents.size() - start, "the name of a section is longer than the section");
      section.name = {reinterpret_cast<const char*>(section.contents.data()) + start, length};
      section.contents = section.contents.subspan(start + length);
    }
    sections.push_back(section);
  }
  return sections;
}

std::vector<uint8_t> without_linking(std::span<const uint8_t> wasm) {
  std::vector<uint8_t> out(std::begin(kHeader), std::end(kHeader));
  for (const Section& section : read_sections(wasm)) {
    if (section.id != SectionId::custom) {
      append_section(out, section.id, section.contents);
    } else if (section.name != "linking" && !section.name.starts_with("reloc.")) {
      append_custom_section(out, section.name, section.contents);
    }
  }
  return out;
}

Pieces assemble(std::span<const uint8_t> wasm, const std::vector<DataSegment>& data,
                const std::vector<CustomSection>& custom, bool keep_names) {
  Writer out;
  out.bytes.assign(std::begin(kHeader), std::end(kHeader));
  const Section* names = nullptr;
  const std::vector<Section> sections = read_sections(wasm);
  std::vector<DataSegment> filled;
  std::copy_if(data.begin(), data.end(), std::back_inserter(filled),
               [](const DataSegment& segment) { return size_of(segment) != 0; });
  for (const Section& section : sections) {
    // Counts are for memory.init, which no generated code uses.
    if (section.id == SectionId::data_count || section.id == SectionId::data) continue;
    if (section.id == SectionId::custom) {
      if (section.name == "name") names = &section;
      continue;
    }
    append_section(out.bytes, section.id, section.contents);
  }
  if (!filled.empty()) append_data_section(out, filled);
  if (names && keep_names) append_custom_section(out.bytes, names->name, names->contents);
  for (const CustomSection& section : custom) {
    append_custom_section(
        out.bytes, section.name,
        {reinterpret_cast<const uint8_t*>(section.contents.data()), section.contents.size()});
  }
  return out.finish();
}

}  // namespace o2w::package
