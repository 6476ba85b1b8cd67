// Work done in a process of its own, so that a crash or an endless loop is a result like any other.
#pragma once

#include <functional>
#include <string>

namespace o2w::property {

// What `work` returns; or "crash: ..." or "no end within ... s" (of processor time).
std::string apart(const std::function<std::string()>& work, int seconds);

}  // namespace o2w::property
