// Words of the text form for enumerations.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/ir/graph.h"

namespace o2w::ir {

const char* combiner_name(Combiner combiner);
std::optional<Combiner> combiner_from_name(std::string_view name);
const char* relation_name(Require::Relation relation);
std::optional<Require::Relation> relation_from_name(std::string_view name);
const char* distribution_name(Random::Distribution distribution);
std::optional<Random::Distribution> distribution_from_name(std::string_view name);

}  // namespace o2w::ir
