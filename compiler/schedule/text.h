// Parts of the text forms shared by drafts, programs and loop nests.
#pragma once

#include <string>

#include "compiler/schedule/program.h"

namespace o2w::schedule {

// "[m, 64] strides [64, 1]"; row-major strides are left out.
std::string layout_text(const ir::Shape& shape, const Layout& layout);
// Lines of the stages, each indented by `indent`.
std::string stages_text(const LoopNest& nest, const std::string& indent);
std::string origin_text(const std::shared_ptr<const ir::Origin>& origin);
std::string epilogue_text(const Epilogue& epilogue);

}  // namespace o2w::schedule
