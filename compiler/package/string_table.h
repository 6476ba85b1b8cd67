// The strings that a model knows when it is compiled, as they lie in its module (runtime-lib/strings.h).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/ir/tensor.h"

namespace o2w::package {

class StringTable {
 public:
  // The strings of a tensor's elements join the table.
  void add(const ir::Tensor& strings);
  bool empty() const { return addresses_.empty(); }

  // All their bytes, each string once (u8).
  ir::Tensor bytes() const;
  // Says where those bytes lie.
  void place_at(int64_t address);
  // The hash table through which the run time finds them: abi::String elements as u64.
  ir::Tensor table() const;
  // A tensor's elements as abi::String.
  ir::Tensor in_module(const ir::Tensor& strings) const;

 private:
  uint64_t element(uint64_t handle) const;

  std::vector<uint64_t> handles_;          // in order of appearance
  std::map<uint64_t, int64_t> addresses_;  // by handle; relative to the start until place_at()
  int64_t byte_count_ = 0;
};

}  // namespace o2w::package
