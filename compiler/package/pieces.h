// Bytes that lie in several places and follow each other in a file: modules and weights, so that weights are
// held once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compiler/ir/tensor.h"

namespace o2w::package {

class Pieces {
 public:
  void add(std::vector<uint8_t> bytes);
  void add(const ir::Tensor& tensor);  // shares its bytes
  void add_zeros(int64_t count);

  int64_t size() const { return size_; }
  const std::vector<std::span<const uint8_t>>& spans() const { return spans_; }
  // Views `size` of the bytes, from `start` on; they are shared.
  Pieces part(int64_t start, int64_t size) const;
  // In one place; for modules without much weight, and for tests.
  std::vector<uint8_t> joined() const;

 private:
  void view(std::span<const uint8_t> bytes);

  std::vector<std::shared_ptr<const void>> owners_;
  std::vector<std::span<const uint8_t>> spans_;
  int64_t size_ = 0;
};

}  // namespace o2w::package
