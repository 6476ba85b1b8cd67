// Reading and writing the section structure of a module's binary form (WebAssembly core specification,
// section 5.5), so that large data never goes through a library that would copy it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/package/pieces.h"

namespace o2w::package {

enum class SectionId : uint8_t {
  custom = 0,
  type,
  import,
  function,
  table,
  memory,
  global,
  exports,
  start,
  element,
  code,
  data,
  data_count
};

struct Section {
  SectionId id = SectionId::custom;
  std::span<const uint8_t> contents;  // without id and size; of a custom section, without its name
  std::string_view name;              // of a custom section
};

// Read at `at` and go on behind. InternalError at the end of the bytes.
uint64_t read_leb(std::span<const uint8_t> bytes, std::size_t& at);
int64_t read_signed_leb(std::span<const uint8_t> bytes, std::size_t& at, int bits = 64);
uint32_t count_imported_functions(std::span<const uint8_t> import_section);

void append_leb(std::vector<uint8_t>& out, uint64_t value);
void append_signed_leb(std::vector<uint8_t>& out, int64_t value);

void append_section(std::vector<uint8_t>& out, SectionId id, std::span<const uint8_t> contents);
void append_custom_section(std::vector<uint8_t>& out, std::string_view name,
                           std::span<const uint8_t> contents);

// Sections in file order, viewing `wasm`. InternalError if the bytes are no module.
std::vector<Section> read_sections(std::span<const uint8_t> wasm);

// The module without what a linker leaves behind in it.
std::vector<uint8_t> without_linking(std::span<const uint8_t> wasm);

// Bytes to be in memory from `address` when the module is instantiated; the parts lie one after the other
// with zeros between them.
struct DataSegment {
  struct Part {
    int64_t address = 0;
    std::span<const uint8_t> bytes;
    const ir::Tensor* tensor = nullptr;  // whose bytes they are, if any: these are shared, not copied
  };
  std::vector<Part> parts;  // ascending, not overlapping
};

struct CustomSection {
  std::string name, contents;
};

// `wasm` with these data (active segments) and custom sections in the place of those it had.
Pieces assemble(std::span<const uint8_t> wasm, const std::vector<DataSegment>& data,
                const std::vector<CustomSection>& custom, bool keep_names);

}  // namespace o2w::package
