// Shapes in error texts: `f32[1,3,h,w]` for what a port expects, `[1,3,224]` for what came.
#pragma once

#include "runtime-lib/platform.h"
#include "runtime-lib/text.h"

namespace o2w::runtime {

struct Dims {
  const int32_t* dims;
  uint32_t rank;
};

// A host's u32[], anywhere in memory.
struct UnalignedDims {
  uint32_t address;
  uint32_t rank;
};

inline ErrorText& operator<<(ErrorText& text, const Dims& dims) {
  text << "[";
  for (uint32_t d = 0; d < dims.rank; ++d) text << (d ? "," : "") << dims.dims[d];
  return text << "]";
}

inline ErrorText& operator<<(ErrorText& text, const UnalignedDims& dims) {
  text << "[";
  for (uint32_t d = 0; d < dims.rank; ++d) {
    if (d == 2 * abi::kMaxRank) {
      text << ",...";
      break;
    }
    text << (d ? "," : "") << load_unaligned<uint32_t>(dims.address + d * 4);
  }
  return text << "]";
}

inline ErrorText& operator<<(ErrorText& text, const abi::PortSpec& port) {
  text << dtype_name(port.dtype) << "[";
  const auto* dims = at<const abi::DimSpec>(port.dims);
  for (uint32_t d = 0; d < port.rank; ++d) {
    text << (d ? "," : "");
    if (dims[d].kind == abi::DimKind::kFixed) {
      text << dims[d].value;
    } else {
      text << at<const char>(dims[d].text);
    }
  }
  return text << "]";
}

}  // namespace o2w::runtime
