#include "frontends/onnx/type_set.h"

#include <fmt/core.h>

namespace o2w::onnx_frontend {
namespace {

void append(std::string& text, std::string_view item) {
  if (!text.empty()) text += ", ";
  text += item;
}

}  // namespace

// Larger sets first, so that to_short_text() takes the largest that fits.
const std::vector<NamedTypeSet>& named_type_sets() {
  static const std::vector<NamedTypeSet> sets = {
      {"any", kAny},         {"numbers and bool", kMovable},
      {"numeric", kNumeric}, {"integers", kIntegers},
      {"floats", kFloats},   {"narrow floats", kNarrowFloats},
      {"signed", kSigned},   {"unsigned", kUnsigned},
      {"complex", kComplex}, {"narrow integers", kNarrowIntegers},
  };
  return sets;
}

std::vector<ir::DType> TypeSet::list() const {
  std::vector<ir::DType> types;
  for (unsigned i = 0; i < static_cast<unsigned>(ir::DType::index); ++i) {
    if (contains(static_cast<ir::DType>(i))) types.push_back(static_cast<ir::DType>(i));
  }
  return types;
}

std::string TypeSet::to_text() const {
  std::string text;
  for (const ir::DType type : list()) append(text, ir::user_name(type));
  return text;
}

std::string TypeSet::to_short_text() const {
  std::string text;
  TypeSet left = *this;
  for (const NamedTypeSet& named : named_type_sets()) {
    if (!left.includes(named.set)) continue;
    append(text, named.name);
    left = left - named.set;
  }
  for (const ir::DType type : left.list()) append(text, ir::user_name(type));
  return text;
}

std::string Operands::to_text() const {
  std::string text;
  if (rest_) {
    int first = 31;
    while (first > 0 && has_input(first - 1)) --first;
    for (int i = 0; i < first; ++i) {
      if (has_input(i)) append(text, fmt::format("{}", i));
    }
    append(text, first == 0 ? std::string("all") : fmt::format("{} and after", first));
    text = "inputs " + text;
  } else if (inputs_ != 0) {
    for (int i = 0; i < 32; ++i) {
      if (has_input(i)) append(text, fmt::format("{}", i));
    }
    text = ((inputs_ & (inputs_ - 1)) == 0 ? "input " : "inputs ") + text;
  }
  if (outputs_ != 0) {
    std::string list;
    for (int i = 0; i < 32; ++i) {
      if (has_output(i)) append(list, fmt::format("{}", i));
    }
    append(text, ((outputs_ & (outputs_ - 1)) == 0 ? "output " : "outputs ") + list);
  }
  return text;
}

}  // namespace o2w::onnx_frontend
