// How much code the parts of a model are worth, by the share of its time that they take.
#pragma once

#include <map>
#include <string>

#include "compiler/codegen/function_table.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

// Of a product or convolution, with sizes that are not known taken as the cost model takes them.
double multiplications_of(const schedule::Call& call);

// The loop nests that are worth less than others, by the keys of their canonical forms: those with the least
// to do, as many as may take longer without a run taking noticeably longer.
std::map<std::string, Effort> nest_efforts(const schedule::Program& program, bool small);

}  // namespace o2w::codegen
