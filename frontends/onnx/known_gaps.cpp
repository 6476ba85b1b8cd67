#include "frontends/onnx/known_gaps.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace o2w::onnx_frontend {
namespace {

// They hold a whole decoder as a subgraph and call it once per token, with searches over its results.
constexpr std::array<std::string_view, 4> kSearches = {"BeamSearch", "GreedySearch", "Sampling",
                                                       "WhisperBeamSearch"};

// ONNX Runtime has these for GPUs (CUDA, ROCm, WebGPU, DirectML) alone.
constexpr std::array kForGpus = std::to_array<std::string_view>({"BiasDropout",
                                                                 "BiasSoftmax",
                                                                 "BitmaskBiasDropout",
                                                                 "BitmaskDropout",
                                                                 "ComplexMul",
                                                                 "ComplexMulConj",
                                                                 "DecoderAttention",
                                                                 "DecoderMaskedSelfAttention",
                                                                 "DequantizeBFP",
                                                                 "DequantizeWithOrder",
                                                                 "GatedDeltaNet",
                                                                 "GatedRelativePositionBias",
                                                                 "GemmFastGelu",
                                                                 "GemmFloat8",
                                                                 "GemmaRotaryEmbedding",
                                                                 "GroupNorm",
                                                                 "Irfft",
                                                                 "LongformerAttention",
                                                                 "MatMulNBitsMlp",
                                                                 "MatMulNBitsQkv",
                                                                 "PackedAttention",
                                                                 "PackedMultiHeadAttention",
                                                                 "PagedAttention",
                                                                 "QOrderedAttention",
                                                                 "QOrderedGelu",
                                                                 "QOrderedLayerNormalization",
                                                                 "QOrderedLongformerAttention",
                                                                 "QOrderedMatMul",
                                                                 "QuantizeBFP",
                                                                 "QuantizeWithOrder",
                                                                 "RelativePositionBias",
                                                                 "RemovePadding",
                                                                 "RestorePadding",
                                                                 "Rfft",
                                                                 "SkipGroupNorm",
                                                                 "TorchEmbedding"});

bool contains(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<KnownGap> known_gap(std::string_view domain, std::string_view name) {
  if (domain == "com.microsoft.nchwc" || domain == "com.ms.internal.nhwc") {
    return KnownGap{
        fmt::format("the operator {} of domain '{}' is of a model that ONNX Runtime saved after optimising "
                    "it for one kind of processor",
                    name, domain),
        "compile the model from before, or save it with the optimisation level 'extended' or 'basic'"};
  }
  if (domain == "com.microsoft" && contains(kSearches, name)) {
    return KnownGap{
        fmt::format("the operator {} runs a whole decoder token by token and is not supported", name),
        "compile the decoder by itself, and search in the program that calls it"};
  }
  if (domain == "com.microsoft" && contains(kForGpus, name)) {
    return KnownGap{
        fmt::format("the operator {} of domain '{}' is for GPUs: neither this compiler nor ONNX Runtime runs "
                    "it on a CPU",
                    name, domain),
        "compile the model from before its optimisation, or optimise it for a CPU"};
  }
  return std::nullopt;
}

}  // namespace o2w::onnx_frontend
