// Runs ONNX's conformance cases: conformance_tool --executor evaluator|wasm --mode static|dynamic|constant
// [--filter text]...
#include <fmt/core.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/conformance/run_case.h"
#include "tests/support/paths.h"

namespace {

using namespace o2w;

struct Options {
  std::string executor = "evaluator";
  std::string mode = "static";
  std::string folder = test::conformance_folder();
  std::vector<std::string> filters;  // a case runs when its name contains one of them
  bool list = false;
  bool failures_only = false;
  bool in_process = false;
  int timeout = 60;
  int level = 2;
};

constexpr const char* usage =
    "usage: conformance_tool [--executor evaluator|wasm] [--mode static|dynamic|constant] [--filter TEXT]... "
    "[--list]\n"
    "                        [--failures] [--in-process] [--timeout SECONDS] [--level 0..3] [--data "
    "FOLDER]\n";

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw std::runtime_error(name + " needs a value");
      return argv[++i];
    };
    if (name == "--executor")
      options.executor = value();
    else if (name == "--mode")
      options.mode = value();
    else if (name == "--filter")
      options.filters.push_back(value());
    else if (name == "--data")
      options.folder = value();
    else if (name == "--timeout")
      options.timeout = std::atoi(value().c_str());
    else if (name == "--level")
      options.level = std::atoi(value().c_str());
    else if (name == "--list")
      options.list = true;
    else if (name == "--failures")
      options.failures_only = true;
    else if (name == "--in-process")
      options.in_process = true;
    else
      throw std::runtime_error("unknown option " + name);
  }
  return options;
}

conformance::Mode mode_of(const std::string& name) {
  if (name == "static") return conformance::Mode::fixed;
  if (name == "dynamic") return conformance::Mode::dynamic;
  if (name == "constant") return conformance::Mode::constant;
  throw std::runtime_error("unknown mode " + name);
}

bool selected(const Options& options, const std::string& name) {
  if (options.filters.empty()) return true;
  for (const std::string& filter : options.filters) {
    if (name.find(filter) != std::string::npos) return true;
  }
  return false;
}

int run(const Options& options) {
  const conformance::Mode mode = mode_of(options.mode);
  const auto executor = conformance::make_executor(options.executor, options.level);
  int passed = 0, failed = 0;
  for (const conformance::Case& which : conformance::find_cases(options.folder)) {
    if (!selected(options, which.name)) continue;
    if (options.list) {
      fmt::print("{}\n", which.name);
      continue;
    }
    const std::string reason = options.in_process
                                   ? conformance::run_case(which, mode, *executor)
                                   : conformance::run_case_apart(which, mode, *executor, options.timeout);
    ++(reason.empty() ? passed : failed);
    if (!reason.empty())
      fmt::print("FAIL {}: {}\n", which.name, reason);
    else if (!options.failures_only)
      fmt::print("pass {}\n", which.name);
  }
  if (!options.list)
    fmt::print("{} {}: {} passed, {} failed\n", options.executor, options.mode, passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n{}", error.what(), usage);
    return 2;
  }
}
