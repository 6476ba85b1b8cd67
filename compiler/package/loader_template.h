// Text of which parts depend on what a model needs.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace o2w::package {

// `text` (JavaScript) without what `features` do not ask for, comments and indentation:
//   - the lines between "//: NAME {" and "//: }", and a line that ends with "//: NAME", stay if NAME is a
//   feature;
//   - of comments, which have lines of their own, those that begin with "//!" stay.
std::string text_for(std::string_view text, const std::set<std::string>& features);

}  // namespace o2w::package
