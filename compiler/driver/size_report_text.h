// The report of what a module's bytes are, as text and as JSON (`inspect --sizes`).
#pragma once

#include <string>

#include "compiler/package/size_report.h"

namespace o2w::driver {

std::string size_report_text(const package::SizeReport& report);
// {"parts": [{"name", "bytes"}], "functions": [{"name", "kind", "bytes", "nodes"}],
//  "nodes": [{"name", "code_bytes", "weight_bytes", "kernels"}], "weights": [{"name", "bytes", "nodes"}]}
std::string size_report_json(const package::SizeReport& report);

}  // namespace o2w::driver
