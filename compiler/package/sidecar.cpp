#include "compiler/package/sidecar.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "compiler/support/error.h"
#include "runtime-lib/weights_hash.h"

namespace o2w::package {

namespace {

constexpr int64_t kBlock = WeightsHash::kBlockBytes;

std::string sha256_of(const Pieces& bytes) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool done = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (const std::span<const uint8_t> span : bytes.spans()) {
    done = done && EVP_DigestUpdate(context.get(), span.data(), span.size()) == 1;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  done = done && EVP_DigestFinal_ex(context.get(), digest, &length) == 1;
  ensure(done, "SHA-256 is not available");
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

uint64_t weights_hash(const Pieces& weights) {
  ensure(weights.size() % kBlock == 0, "weights that do not end with a block");
  WeightsHash hash;
  // Pieces end anywhere: what is left of one begins the next block.
  uint8_t rest[kBlock];
  std::size_t held = 0;
  for (std::span<const uint8_t> span : weights.spans()) {
    if (held > 0) {
      const std::size_t more = std::min(sizeof rest - held, span.size());
      std::memcpy(rest + held, span.data(), more);
      span = span.subspan(more);
      held += more;
      if (held < sizeof rest) continue;
      hash.add(rest, 1);
      held = 0;
    }
    const std::size_t blocks = span.size() / sizeof rest;
    hash.add(span.data(), blocks);
    span = span.subspan(blocks * sizeof rest);
    if (!span.empty()) std::memcpy(rest, span.data(), span.size());
    held = span.size();
  }
  return hash.value();
}

std::vector<WeightsFile> weights_files(const Pieces& weights, const std::string& name, int64_t part_bytes) {
  ensure(part_bytes >= kBlock, "weights in parts of less than a block");
  part_bytes -= part_bytes % kBlock;
  const std::size_t dot = name.rfind('.');
  const std::string stem = name.substr(0, dot), ending = dot == std::string::npos ? "" : name.substr(dot);
  std::vector<WeightsFile> files;
  for (int64_t start = 0; start < weights.size(); start += part_bytes) {
    WeightsFile& file = files.emplace_back();
    file.name = start == 0 ? name : fmt::format("{}.{}{}", stem, files.size() - 1, ending);
    file.bytes = weights.part(start, std::min(part_bytes, weights.size() - start));
    file.sha256 = sha256_of(file.bytes);
  }
  return files;
}

}  // namespace o2w::package
