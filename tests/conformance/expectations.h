// Which cases do not pass, and why: the committed lists in tests/conformance/expected.
#pragma once

#include <map>
#include <string>

namespace o2w::conformance {

// Case name -> reason. In the file: one case per line, `name<TAB>reason`, sorted; lines that start with '#'
// are comments.
using Reasons = std::map<std::string, std::string>;

// Throws std::runtime_error when the file cannot be read or a line is not of that form.
Reasons read_reasons(const std::string& path);
// `header` becomes the first comment line.
void write_reasons(const std::string& path, const std::string& header, const Reasons& reasons);

// "" when a case's outcome is as expected, else what is not. `reason` is "" for a case that passed.
std::string surprise(const Reasons& expected, const std::string& name, const std::string& reason);

}  // namespace o2w::conformance
