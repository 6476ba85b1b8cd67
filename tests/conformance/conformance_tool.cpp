// Runs ONNX's conformance cases; see the usage text.
#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/conformance/expectations.h"
#include "tests/conformance/run_case.h"
#include "tests/support/paths.h"

namespace {

using namespace o2w;

constexpr const char* usage =
    "usage: conformance_tool [options]\n"
    "  --executor evaluator|wasm        what runs the models (evaluator)\n"
    "  --mode static|dynamic|constant   shapes as declared; all input dimensions symbolic; all inputs but "
    "the first constant\n"
    "  --level 0..3                     -O of the compiler (2)\n"
    "  --filter TEXT                    only cases whose name contains TEXT (repeatable)\n"
    "  --shard K/N                      only every N-th case, from the K-th (0-based)\n"
    "  --expect FILE                    succeed when exactly the listed cases fail\n"
    "  --update FILE                    write that list; reasons in notes.txt beside it replace the "
    "messages\n"
    "  --failures                       do not print cases that pass\n"
    "  --list                           print the names only\n"
    "  --in-process                     do not run each case in a process of its own\n"
    "  --timeout SECONDS                per case (60)\n"
    "  --data FOLDER                    the cases; without it Debian's libonnx-testdata, or "
    "ONNX2WASM_TESTDATA\n";

constexpr int skipped = 77;  // exit code: there is no data

struct Options {
  std::string executor = "evaluator";
  std::string mode = "static";
  std::string folder = test::conformance_folder();
  std::string expect, update;
  std::vector<std::string> filters;
  int level = 2, timeout = 60;
  std::size_t shard = 0, shards = 1;
  bool list = false, failures_only = false, in_process = false;
};

void set_shard(Options& options, const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) throw std::runtime_error("--shard wants K/N");
  options.shard = std::stoul(text.substr(0, slash));
  options.shards = std::stoul(text.substr(slash + 1));
  if (options.shard >= options.shards) throw std::runtime_error("--shard wants K below N");
}

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
      options.timeout = std::stoi(value());
    else if (name == "--level")
      options.level = std::stoi(value());
    else if (name == "--shard")
      set_shard(options, value());
    else if (name == "--expect")
      options.expect = value();
    else if (name == "--update")
      options.update = value();
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

std::vector<conformance::Case> selected_cases(const Options& options) {
  std::vector<conformance::Case> cases;
  std::size_t number = 0;
  for (conformance::Case& which : conformance::find_cases(options.folder)) {
    if (selected(options, which.name) && number++ % options.shards == options.shard)
      cases.push_back(std::move(which));
  }
  return cases;
}

// Error messages tell why a case fails; where they only tell that numbers differ, a note says why.
conformance::Reasons with_notes(conformance::Reasons reasons, const std::string& list) {
  const auto notes = std::filesystem::path(list).parent_path() / "notes.txt";
  if (!std::filesystem::exists(notes)) return reasons;
  for (const auto& [name, note] : conformance::read_reasons(notes.string())) {
    if (const auto found = reasons.find(name); found != reasons.end()) found->second = note;
  }
  return reasons;
}

int run(const Options& options) {
  const conformance::Mode mode = mode_of(options.mode);
  const std::vector<conformance::Case> cases = selected_cases(options);
  if (options.list) {
    for (const conformance::Case& which : cases) fmt::print("{}\n", which.name);
    return 0;
  }
  const auto executor = conformance::make_executor(options.executor, options.level);
  conformance::Reasons expected, failed;
  if (!options.expect.empty()) expected = conformance::read_reasons(options.expect);
  int surprises = 0;
  for (const conformance::Case& which : cases) {
    const std::string reason = options.in_process
                                   ? conformance::run_case(which, mode, *executor)
                                   : conformance::run_case_apart(which, mode, *executor, options.timeout);
    if (!reason.empty()) failed[which.name] = reason;
    if (!options.expect.empty()) {
      const std::string text = conformance::surprise(expected, which.name, reason);
      if (text.empty()) continue;
      ++surprises;
      fmt::print("{} {}\n", which.name, text);
    } else if (!reason.empty()) {
      fmt::print("FAIL {}: {}\n", which.name, reason);
    } else if (!options.failures_only) {
      fmt::print("pass {}\n", which.name);
    }
    std::fflush(stdout);
  }
  fmt::print("{} {}: {} passed, {} failed", options.executor, options.mode, cases.size() - failed.size(),
             failed.size());
  if (!options.expect.empty()) fmt::print("; {} not as the list says", surprises);
  fmt::print("\n");
  if (!options.update.empty()) {
    const std::string header = "Cases that do not pass (" + options.executor + ", " + options.mode +
                               "), with the reason. Made by scripts/update-conformance.sh";
    conformance::write_reasons(options.update, header, with_notes(failed, options.update));
    return 0;
  }
  return options.expect.empty() ? (failed.empty() ? 0 : 1) : (surprises == 0 ? 0 : 1);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    if (!std::filesystem::is_directory(options.folder)) {
      fmt::print(
          "skipped: there is no conformance data in '{}'; without --data, it is Debian's libonnx-testdata\n",
          options.folder);
      return skipped;
    }
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n{}", error.what(), usage);
    return 2;
  }
}
