// Steps as data. A model has hundreds of steps that do no more than call a function with addresses and sizes:
// a row of bytes each, which a loop walks ("o2w_walk"), takes a third of the code, and no engine compiles it.
//
// A row is the function's number, then its arguments. An argument is the number of a value: even ones are
// constants (a pool in the module's tables), odd ones sizes of the dim table and, behind them, addresses of
// the pointer table; 0 means the sum of the two that follow. Numbers are LEB128. The most frequent values
// have the smallest numbers.
#pragma once

#include <binaryen-c.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/function_table.h"

namespace o2w::codegen {

// What a step passes to its function.
struct StepValue {
  enum class Kind : uint8_t {
    number,   // `a` itself
    address,  // of buffer `a`, which lies at a place known when the module is laid out, plus `b`
    cell,     // the address of buffer `a`'s entry in the pointer table
    symbol,   // the address of symbol `a`'s value
    bytes,    // the address of byte `a` of StepTable::bytes()
    zeros,    // MemoryMap::zeros
    workspace,
    scratch,
    dim,      // entry `a` of the dim table
    pointer,  // what buffer `a`'s entry in the pointer table holds
  };
  Kind kind = Kind::number;
  int64_t a = 0, b = 0;
  auto operator<=>(const StepValue&) const = default;
  bool is_loaded() const { return kind == Kind::dim || kind == Kind::pointer; }
};
// The sum of one or two values.
using StepArgument = std::vector<StepValue>;

class StepTable {
 public:
  // A row, to be found again by this number. `returns_errno`: the function's result, if it has one, is an
  // errno that ends the walk.
  std::size_t add_row(const std::string& function, bool returns_errno, std::vector<StepArgument> arguments);
  // Bytes that a step refers to (code of sizes, lists); equal ones are held once. Before encode().
  int64_t add_bytes(const std::vector<uint8_t>& bytes);

  // All rows are there: gives numbers to values and encodes the rows.
  void encode(std::size_t dim_count);
  std::size_t constant_count() const { return constants_.size(); }

  // Where row k begins among the bytes, and ends.
  std::pair<int64_t, int64_t> range(std::size_t row) const { return rows_.at(row).range; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  // The pool of constants, now that all addresses are known.
  std::vector<int32_t> constants(const MemoryMap& map) const;
  bool empty() const { return rows_.empty(); }

  // Adds "o2w_walk"(begin, end) -> errno and what it needs to the module.
  void emit_walk(BinaryenModuleRef module, const MemoryMap& map, int dim_count) const;
  static constexpr const char* kWalk = "o2w_walk";
  // The functions that rows name, by the names that they have after the module's functions were merged.
  static std::map<std::string, std::string> names_after_merging(BinaryenModuleRef module,
                                                                const std::vector<std::string>& names);
  std::vector<std::string> function_names() const;

 private:
  struct Function {
    std::string name;
    std::size_t arity = 0;
    bool returns_errno = false;
  };
  struct Row {
    std::size_t function = 0;
    std::vector<StepArgument> arguments;
    std::pair<int64_t, int64_t> range;
  };
  std::vector<std::pair<std::size_t, bool>> signatures() const;
  uint64_t number_of(const StepValue& value, std::size_t dim_count) const;

  std::vector<Function> functions_;
  std::map<std::string, std::size_t> function_numbers_;
  std::vector<Row> rows_;
  std::map<StepValue, int> uses_;
  std::vector<StepValue> constants_;  // those with the numbers 2, 4, 6, ...
  std::map<StepValue, std::size_t> constant_numbers_;
  std::vector<uint8_t> bytes_;
  std::map<std::vector<uint8_t>, int64_t> places_;
  int64_t signature_bytes_ = 0;  // where each function's signature stands among the bytes
};

}  // namespace o2w::codegen
