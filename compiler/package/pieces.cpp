#include "compiler/package/pieces.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace o2w::package {

void Pieces::view(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  spans_.push_back(bytes);
  size_ += static_cast<int64_t>(bytes.size());
}

void Pieces::add(std::vector<uint8_t> bytes) {
  const auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  owners_.push_back(owner);
  view(*owner);
}

void Pieces::add(const ir::Tensor& tensor) {
  const auto owner = std::make_shared<const ir::Tensor>(tensor);
  owners_.push_back(owner);
  view({owner->bytes(), static_cast<std::size_t>(owner->byte_count())});
}

void Pieces::add_zeros(int64_t count) {
  if (count > 0) add(std::vector<uint8_t>(static_cast<std::size_t>(count)));
}

Pieces Pieces::part(int64_t start, int64_t size) const {
  ensure(start >= 0 && size >= 0 && start + size <= size_, "a part beyond the end of the bytes");
  Pieces part;
  part.owners_ = owners_;
  int64_t at = 0;
  for (const std::span<const uint8_t> span : spans_) {
    const auto length = static_cast<int64_t>(span.size());
    const int64_t from = std::max<int64_t>(start - at, 0), to = std::min(start + size - at, length);
    if (from < to)
      part.view(span.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
    at += length;
  }
  return part;
}

std::vector<uint8_t> Pieces::joined() const {
  std::vector<uint8_t> all;
  all.reserve(static_cast<std::size_t>(size_));
  for (const std::span<const uint8_t> span : spans_) all.insert(all.end(), span.begin(), span.end());
  return all;
}

}  // namespace o2w::package
