#include "tests/property/families.h"

namespace o2w::property {

const std::vector<Family>& families() {
  static const std::vector<Family> list = {
      {"unary", 10, grow_unary},
      {"binary", 12, grow_binary},
      {"choice", 6, grow_choice},
      {"logic", 2, grow_logic},
      {"reshape", 6, grow_reshape},
      {"movement", 7, grow_movement},
      {"slice", 5, grow_slice},
      {"concat_split", 5, grow_concat_split},
      {"pad", 4, grow_pad},
      {"shape_arithmetic", 4, grow_shape_arithmetic},
      {"gather", 4, grow_gather},
      {"scatter", 3, grow_scatter},
      {"selection", 4, grow_selection},
      {"reduction", 8, grow_reduction},
      {"normalization", 5, grow_normalization},
      {"matmul", 7, grow_matmul},
      {"convolution", 7, grow_convolution},
      {"pooling", 4, grow_pooling},
      {"resize", 2, grow_resize},
      {"recurrent", 1, grow_recurrent},
      {"quantization", 4, grow_quantization},
      {"microsoft", 4, grow_microsoft},
      {"if", 2, grow_if},
      {"loop", 2, grow_loop},
      {"scan", 1, grow_scan},
  };
  return list;
}

void grow(Maker& m, bool simple) {
  const std::vector<Family>& list = families();
  const std::size_t count = simple ? list.size() - 3 : list.size();
  int total = 0;
  for (std::size_t i = 0; i < count; ++i) total += list[i].weight;
  auto at = m.random().between(0, total - 1);
  for (std::size_t i = 0; i < count; ++i) {
    at -= list[i].weight;
    if (at < 0) {
      list[i].grow(m);
      return;
    }
  }
}

}  // namespace o2w::property
