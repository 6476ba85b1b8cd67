// Names in the text form.
#pragma once

#include <string>

namespace o2w::ir {

// A letter or underscore, then letters, digits, underscores (ASCII).
bool is_identifier(const std::string& text);
// In double quotes; quotes, backslashes and control characters escaped (\" \\ \n \xHH).
std::string quoted(const std::string& text);

}  // namespace o2w::ir
