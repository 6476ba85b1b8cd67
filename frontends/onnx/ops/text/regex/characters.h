// Sets of code points: Unicode's classes, and letters that differ in case alone.
#pragma once

#include <string>

#include "frontends/onnx/ops/text/regex/syntax.h"

namespace o2w::onnx_frontend::regex {

// In order, without overlaps.
Ranges normalised(Ranges ranges);
// All other code points; `ranges` are normalised.
Ranges inverted(const Ranges& ranges);
// With all letters that differ from those in case alone.
Ranges with_both_cases(const Ranges& ranges);
// A general category or a script ("Lu", "Greek", "Any"); null if there is none of the name.
const Ranges* unicode_class(const std::string& name);

}  // namespace o2w::onnx_frontend::regex
