// The hash that tells whether a sidecar's weights are those of their module. It guards against files that are
// mixed up, cut or damaged, not against forgery: 16 lanes of 32 bits, so that vector units compute it at the
// speed of memory. The compiler shares it.
#pragma once

#include <stdint.h>

namespace o2w {

class WeightsHash {
 public:
  static constexpr uint32_t kBlockBytes = 64;

  // `count` whole blocks, the words in the machine's order (little-endian).
  void add(const void* bytes, uint64_t count) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    uint32_t lanes[kLanes];
    for (int k = 0; k < kLanes; ++k) lanes[k] = lanes_[k];
    for (uint64_t block = 0; block < count; ++block, at += kBlockBytes) {
      uint32_t words[kLanes];
      __builtin_memcpy(words, at, sizeof words);
      for (int k = 0; k < kLanes; ++k) {
        const uint32_t mixed = (lanes[k] ^ words[k]) * kPrime;
        lanes[k] = mixed ^ (mixed >> 15);
      }
    }
    for (int k = 0; k < kLanes; ++k) lanes_[k] = lanes[k];
  }

  uint64_t value() const {
    uint64_t all = 0;
    for (const uint32_t lane : lanes_) {
      all = (all ^ lane) * 0x9e3779b97f4a7c15u;
      all ^= all >> 29;
    }
    return all;
  }

 private:
  static constexpr int kLanes = kBlockBytes / 4;
  static constexpr uint32_t kPrime = 0x9e3779b1u;
  uint32_t lanes_[kLanes] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
                             0x082efa98, 0xec4e6c89, 0x452821e6, 0x38d01377, 0xbe5466cf, 0x34e90c6c,
                             0xc0ac29b7, 0xc97c50dd, 0x3f84d5b5, 0xb5470917};
};

}  // namespace o2w
