// Weights that lie in a file beside the module: the host writes them into memory and says so, part by part.
#include "runtime-lib/platform.h"
#include "runtime-lib/text.h"
#include "runtime-lib/weights_hash.h"

namespace {

struct Progress {
  o2w::WeightsHash hash;
  uint32_t hashed = 0;  // bytes
};
constinit Progress progress;

// Engines compile a function that is called often better than one with a long loop.
__attribute__((noinline)) void hash_blocks(const char* bytes, uint32_t count) {
  progress.hash.add(bytes, count);
}

// Hashes the whole blocks among the first `bytes`.
void hash_up_to(const o2w::abi::WeightsDescriptor& weights, uint32_t bytes) {
  constexpr uint32_t kBlock = o2w::WeightsHash::kBlockBytes, kMost = 256;
  while (bytes - progress.hashed >= kBlock) {
    const uint32_t whole = (bytes - progress.hashed) / kBlock, count = whole < kMost ? whole : kMost;
    hash_blocks(o2w::runtime::at<const char>(weights.address + progress.hashed), count);
    progress.hashed += count * kBlock;
  }
}

}  // namespace

O2W_EXPORT uint32_t o2w_weights() { return o2w_model.weights; }

O2W_EXPORT int32_t o2w_weights_commit(uint32_t bytes) {
  using namespace o2w;
  auto& weights = *runtime::at<abi::WeightsDescriptor>(o2w_model.weights);
  if (bytes > weights.bytes - weights.committed) {
    runtime::ErrorText() << "o2w_weights_commit: " << bytes << " bytes behind " << weights.committed
                         << " are more than the model's weights, which are " << weights.bytes;
    return abi::kInvalidArgument;
  }
  hash_up_to(weights, weights.committed + bytes);
  weights.committed += bytes;
  if (weights.committed < weights.bytes) return abi::kSuccess;
  const uint64_t expected = uint64_t{weights.hash[1]} << 32 | weights.hash[0], got = progress.hash.value();
  progress = {};
  if (got == expected) return abi::kSuccess;
  weights.committed = 0;
  runtime::ErrorText() << "these are not the weights of this module (or they are damaged): their hash is "
                       << got << ", expected was " << expected
                       << ". Use the files that were made together with the module";
  return abi::kInvalidArgument;
}
