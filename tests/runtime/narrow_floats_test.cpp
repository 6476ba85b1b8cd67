#include "runtime-lib/narrow_floats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "compiler/ir/dtype.h"
#include "compiler/ir/tensor.h"

namespace o2w::runtime {
namespace {

constexpr ir::DType kTypes[] = {ir::DType::f16,        ir::DType::bf16,   ir::DType::f8e4m3fn,
                                ir::DType::f8e4m3fnuz, ir::DType::f8e5m2, ir::DType::f8e5m2fnuz,
                                ir::DType::f8e8m0,     ir::DType::f4e2m1};

DType runtime_type(ir::DType type) { return static_cast<DType>(ir::onnx_code(type)); }

// What a module computes and what the compiler folds must be the same bits.
TEST(NarrowFloats, DecodeLikeTheCompiler) {
  for (ir::DType type : kTypes) {
    const uint32_t patterns = ir::byte_size(type) == 2 ? 65536 : type == ir::DType::f4e2m1 ? 16 : 256;
    for (uint32_t bits = 0; bits < patterns; ++bits) {
      const float ours = o2w_decode_narrow(runtime_type(type), bits), theirs = ir::decode_narrow(type, bits);
      if (std::isnan(theirs)) {
        EXPECT_TRUE(std::isnan(ours)) << ir::name(type) << " " << bits;
      } else {
        EXPECT_EQ(std::bit_cast<uint32_t>(ours), std::bit_cast<uint32_t>(theirs))
            << ir::name(type) << " " << bits;
      }
    }
  }
}

TEST(NarrowFloats, EncodeLikeTheCompiler) {
  for (ir::DType type : kTypes) {
    int different = 0;
    const auto compare = [&](uint32_t bits) {
      const float value = std::bit_cast<float>(bits);
      const uint32_t ours = o2w_encode_narrow(runtime_type(type), value),
                     theirs = ir::encode_narrow(type, value);
      if (ours != theirs && different++ < 3) {
        ADD_FAILURE() << ir::name(type) << ": " << value << " gives " << ours << ", expected " << theirs;
      }
    };
    for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 9973) compare(static_cast<uint32_t>(bits));
    // Every tie and its neighbours.
    for (uint32_t high = 0; high < 65536; ++high) {
      for (uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) compare(high << 16 | low);
    }
    EXPECT_EQ(different, 0);
  }
}

}  // namespace
}  // namespace o2w::runtime
