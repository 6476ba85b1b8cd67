// The constant data of the runtime library (tables of mathematical functions, texts) and who uses them, so
// that a module holds only what its functions read. Known from the symbols and relocations that the linker
// leaves in the library's file ("Conventions for object files", github.com/WebAssembly/tool-conventions).
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "compiler/package/wasm_binary.h"

namespace o2w::package {

class RuntimeData {
 public:
  // Views `blob`. InternalError if it was not linked with --emit-relocs.
  explicit RuntimeData(std::span<const uint8_t> blob);

  // What these functions read, directly or through other data: all bytes that are not zero, as few segments
  // as pay. Functions go by their index, imported ones first.
  std::vector<DataSegment> used_by(const std::set<uint32_t>& functions) const;

 private:
  struct Segment {
    uint32_t address = 0;
    std::size_t start = 0;  // in the data section's contents
    std::span<const uint8_t> bytes;
  };
  struct Symbol {
    uint32_t address = 0, size = 0;
    std::size_t segment = 0;
    std::set<std::size_t> refers_to;  // symbols
  };

  void read_segments(std::span<const uint8_t> contents);
  void read_symbols(std::span<const uint8_t> linking);
  void read_code_relocations(std::span<const uint8_t> relocations, std::span<const uint8_t> code);
  void read_data_relocations(std::span<const uint8_t> relocations, std::span<const uint8_t> data);

  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;                       // size 0: not of data
  std::vector<std::set<std::size_t>> function_uses_;  // symbols, by function that is not imported
  uint32_t imported_functions_ = 0;
};

}  // namespace o2w::package
