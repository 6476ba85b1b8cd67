// The command's verbs, one file each. add_*_verb declares a verb's options and returns what runs it: an exit
// code.
#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace o2w::driver {

// Exit codes of the command (sysexits.h's EX_SOFTWARE for our own faults).
enum ExitCode : int { exit_ok = 0, exit_model = 1, exit_usage = 2, exit_internal = 70 };

using Verb = std::function<int()>;

Verb add_compile_verb(CLI::App& app);
Verb add_check_verb(CLI::App& app);
Verb add_inspect_verb(CLI::App& app);
Verb add_run_verb(CLI::App& app);
Verb add_verify_verb(CLI::App& app);
Verb add_list_ops_verb(CLI::App& app);

}  // namespace o2w::driver
