// Scripts that this command gives to Node.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace o2w::driver {

// Runs `program arguments...` with standard output into a file; the exit status, or -1 when it cannot be
// started.
int spawn(const std::string& program, const std::vector<std::string>& arguments,
          const std::string& output_path);

// Runs a script with the path of a file that holds `job` as its argument; the JSON that it prints. Files go
// into `folder`. ModelError when `node` (a command or a path) cannot be started, or the answer is {"error":
// text}.
nlohmann::json run_script(const std::string& node, std::string_view script, const nlohmann::json& job,
                          const std::string& folder);

}  // namespace o2w::driver
