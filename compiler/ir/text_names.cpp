#include "compiler/ir/text_names.h"

namespace o2w::ir {
namespace {

// In the order of the enums.
constexpr const char* kCombiners[] = {"overwrite", "sum", "prod",    "min",    "max",
                                      "and",       "or",  "arg_min", "arg_max"};
constexpr const char* kRelations[] = {"equal", "broadcastable", "less_equal"};
constexpr const char* kDistributions[] = {"uniform", "normal", "bernoulli", "multinomial"};

template <typename Enum, std::size_t count>
std::optional<Enum> find(const char* const (&names)[count], std::string_view name) {
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

const char* combiner_name(Combiner combiner) { return kCombiners[static_cast<std::size_t>(combiner)]; }
std::optional<Combiner> combiner_from_name(std::string_view name) { return find<Combiner>(kCombiners, name); }
const char* relation_name(Require::Relation relation) {
  return kRelations[static_cast<std::size_t>(relation)];
}
std::optional<Require::Relation> relation_from_name(std::string_view name) {
  return find<Require::Relation>(kRelations, name);
}
const char* distribution_name(Random::Distribution distribution) {
  return kDistributions[static_cast<std::size_t>(distribution)];
}
std::optional<Random::Distribution> distribution_from_name(std::string_view name) {
  return find<Random::Distribution>(kDistributions, name);
}

}  // namespace o2w::ir
