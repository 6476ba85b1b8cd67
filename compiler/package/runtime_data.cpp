#include "compiler/package/runtime_data.h"

#include <algorithm>
#include <functional>

#include "compiler/support/error.h"

namespace o2w::package {

namespace {

// A relocation of an address in memory; other kinds are of no interest here.
struct Relocation {
  std::size_t offset = 0;  // in the section's contents
  std::size_t symbol = 0;
  int64_t addend = 0;
  bool is_word = false;  // four bytes; else LEB128
};

enum class RelocationType : uint8_t {
  function_index_leb = 0,
  table_index_sleb = 1,
  table_index_i32 = 2,
  memory_addr_leb = 3,
  memory_addr_sleb = 4,
  memory_addr_i32 = 5,
  type_index_leb = 6,
  global_index_leb = 7,
  tag_index_leb = 10,
  table_number_leb = 20
};

std::vector<Relocation> read_relocations(std::span<const uint8_t> bytes) {
  std::vector<Relocation> relocations;
  std::size_t at = 0;
  read_leb(bytes, at);  // the section's number
  const uint64_t count = read_leb(bytes, at);
  for (uint64_t k = 0; k < count; ++k) {
    ensure(at < bytes.size(), "the runtime library's relocations end early");
    const auto type = static_cast<RelocationType>(bytes[at++]);
    Relocation relocation;
    relocation.offset = read_leb(bytes, at);
    relocation.symbol = read_leb(bytes, at);
    switch (type) {
      case RelocationType::memory_addr_leb:
      case RelocationType::memory_addr_sleb:
      case RelocationType::memory_addr_i32:
        relocation.addend = read_signed_leb(bytes, at);
        relocation.is_word = type == RelocationType::memory_addr_i32;
        relocations.push_back(relocation);
        continue;
      case RelocationType::function_index_leb:
      case RelocationType::table_index_sleb:
      case RelocationType::table_index_i32:
      case RelocationType::type_index_leb:
      case RelocationType::global_index_leb:
      case RelocationType::tag_index_leb:
      case RelocationType::table_number_leb:
        continue;
    }
    fail_internal("the runtime library has a relocation of unknown type {}", static_cast<int>(type));
  }
  return relocations;
}

uint32_t value_at(std::span<const uint8_t> bytes, const Relocation& relocation) {
  std::size_t at = relocation.offset;
  if (!relocation.is_word) return static_cast<uint32_t>(read_signed_leb(bytes, at, 32));
  ensure(at + 4 <= bytes.size(), "a relocation lies outside of its section");
  uint32_t word = 0;
  for (int k = 3; k >= 0; --k) word = word << 8 | bytes[at + static_cast<std::size_t>(k)];
  return word;
}

}  // namespace

RuntimeData::RuntimeData(std::span<const uint8_t> blob) {
  std::span<const uint8_t> code, data, linking, code_relocations, data_relocations;
  for (const Section& section : read_sections(blob)) {
    std::size_t at = 0;
    if (section.id == SectionId::import) imported_functions_ = count_imported_functions(section.contents);
    if (section.id == SectionId::code) code = section.contents;
    if (section.id == SectionId::data) data = section.contents;
    if (section.id != SectionId::custom) continue;
    if (section.name == "linking") {
      ensure(read_leb(section.contents, at) == 2, "the runtime library's symbols have an unknown version");
      linking = section.contents.subspan(at);
    }
    if (section.name == "reloc.CODE") code_relocations = section.contents;
    if (section.name == "reloc.DATA") data_relocations = section.contents;
  }
  ensure(!linking.empty() && !code_relocations.empty(),
         "the runtime library was linked without --emit-relocs");
  read_segments(data);
  read_symbols(linking);
  read_code_relocations(code_relocations, code);
  if (!data_relocations.empty()) read_data_relocations(data_relocations, data);
}

void RuntimeData::read_segments(std::span<const uint8_t> contents) {
  std::size_t at = 0;
  const uint64_t count = read_leb(contents, at);
  for (uint64_t k = 0; k < count; ++k) {
    constexpr uint64_t kI32Const = 0x41, kEnd = 0x0b;
    ensure(read_leb(contents, at) == 0 && read_leb(contents, at) == kI32Const,
           "the runtime library has data of an unknown form");
    Segment segment;
    segment.address = static_cast<uint32_t>(read_signed_leb(contents, at, 32));
    ensure(read_leb(contents, at) == kEnd, "the runtime library has data of an unknown form");
    const uint64_t size = read_leb(contents, at);
    ensure(size <= contents.size() - at, "the runtime library's data end early");
    segment.start = at;
    segment.bytes = contents.subspan(at, size);
    segments_.push_back(segment);
    at += size;
  }
}

void RuntimeData::read_symbols(std::span<const uint8_t> linking) {
  constexpr uint8_t kSymbolTable = 8, kData = 1, kSection = 3;
  constexpr uint64_t kUndefined = 0x10, kExplicitName = 0x40, kAbsolute = 0x200;
  const auto skip_name = [&](std::size_t& at) {
    const uint64_t length = read_leb(linking, at);
    at += length;
  };
  for (std::size_t at = 0; at < linking.size();) {
    const uint8_t kind_of_part = linking[at++];
    const uint64_t size = read_leb(linking, at);
    const std::size_t end = at + size;
    if (kind_of_part == kSymbolTable) {
      const uint64_t count = read_leb(linking, at);
      for (uint64_t k = 0; k < count; ++k) {
        ensure(at < linking.size(), "the runtime library's symbols end early");
        const uint8_t kind = linking[at++];
        const uint64_t flags = read_leb(linking, at);
        Symbol& symbol = symbols_.emplace_back();
        if (kind == kData) {
          skip_name(at);
          if (flags & kUndefined) continue;
          symbol.segment = read_leb(linking, at);
          const uint64_t offset = read_leb(linking, at);
          const uint64_t bytes = read_leb(linking, at);
          if (flags & kAbsolute || symbol.segment >= segments_.size()) continue;
          symbol.address = segments_[symbol.segment].address + static_cast<uint32_t>(offset);
          symbol.size = static_cast<uint32_t>(bytes);
        } else {
          read_leb(linking, at);  // its index
          if (kind != kSection && (!(flags & kUndefined) || flags & kExplicitName)) skip_name(at);
        }
      }
    }
    at = end;
  }
}

void RuntimeData::read_code_relocations(std::span<const uint8_t> relocations, std::span<const uint8_t> code) {
  // Where each function's code ends.
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  const uint64_t count = read_leb(code, at);
  for (uint64_t k = 0; k < count; ++k) {
    const uint64_t size = read_leb(code, at);
    at += size;
    ends.push_back(at);
  }
  function_uses_.resize(ends.size());
  for (const Relocation& relocation : read_relocations(relocations)) {
    const Symbol& symbol = symbols_.at(relocation.symbol);
    if (symbol.size == 0) continue;
    ensure(value_at(code, relocation) == static_cast<uint32_t>(symbol.address + relocation.addend),
           "an address in the runtime library's code is not that of its symbol");
    const auto function = std::upper_bound(ends.begin(), ends.end(), relocation.offset) - ends.begin();
    function_uses_.at(static_cast<std::size_t>(function)).insert(relocation.symbol);
  }
}

void RuntimeData::read_data_relocations(std::span<const uint8_t> relocations, std::span<const uint8_t> data) {
  for (const Relocation& relocation : read_relocations(relocations)) {
    const Symbol& target = symbols_.at(relocation.symbol);
    if (target.size == 0) continue;
    ensure(value_at(data, relocation) == static_cast<uint32_t>(target.address + relocation.addend),
           "an address in the runtime library's data is not that of its symbol");
    for (Symbol& symbol : symbols_) {
      if (symbol.size == 0) continue;
      const Segment& segment = segments_[symbol.segment];
      const std::size_t start = segment.start + (symbol.address - segment.address);
      if (relocation.offset >= start && relocation.offset < start + symbol.size) {
        symbol.refers_to.insert(relocation.symbol);
      }
    }
  }
}

std::vector<DataSegment> RuntimeData::used_by(const std::set<uint32_t>& functions) const {
  std::set<std::size_t> used;
  const std::function<void(std::size_t)> use = [&](std::size_t symbol) {
    if (!used.insert(symbol).second) return;
    for (const std::size_t next : symbols_[symbol].refers_to) use(next);
  };
  for (const uint32_t function : functions) {
    if (function < imported_functions_) continue;
    for (const std::size_t symbol : function_uses_.at(function - imported_functions_)) use(symbol);
  }
  std::vector<DataSegment> result;
  for (std::size_t number = 0; number < segments_.size(); ++number) {
    const Segment& segment = segments_[number];
    std::vector<bool> wanted(segment.bytes.size());
    for (const std::size_t k : used) {
      const Symbol& symbol = symbols_[k];
      if (symbol.size == 0 || symbol.segment != number) continue;
      const std::size_t start = symbol.address - segment.address;
      for (std::size_t at = start; at < std::min<std::size_t>(start + symbol.size, wanted.size()); ++at) {
        wanted[at] = segment.bytes[at] != 0;
      }
    }
    // A segment of its own costs about as much as a gap of so many zeros.
    constexpr std::size_t kGap = 8;
    for (std::size_t at = 0; at < wanted.size();) {
      if (!wanted[at]) {
        ++at;
        continue;
      }
      std::size_t end = at + 1;
      for (std::size_t next = end; next < wanted.size() && next <= end + kGap; ++next) {
        if (wanted[next]) end = next + 1;
      }
      result.push_back({{{segment.address + static_cast<int64_t>(at), segment.bytes.subspan(at, end - at)}}});
      at = end;
    }
  }
  return result;
}

}  // namespace o2w::package
