// Makes random models, compiles them and compares the modules with the reference evaluator; see the usage
// text.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/property/apart.h"
#include "tests/property/case_file.h"
#include "tests/property/check_case.h"
#include "tests/property/shrink.h"

namespace {

using namespace o2w::property;
namespace fs = std::filesystem;

constexpr const char* usage =
    "usage: property_tool [options]\n"
    "  --seed N         the first seed (1); a seed is a model\n"
    "  --count N        how many seeds (1000)\n"
    "  --seconds N      stop after so much time, whatever --count says\n"
    "  --shard K/N      only every N-th seed, from the K-th (0-based)\n"
    "  --keep FOLDER    failing models, made smaller, go there (property-failures)\n"
    "  --answers FOLDER writes models, inputs and the modules' outputs there, for another runtime to "
    "compare\n"
    "  --cases FOLDER   checks the kept cases of the folder instead\n"
    "  --show           prints the models, without compiling them\n"
    "  --no-shrink      keeps failing models as they are\n";

constexpr int seconds_per_case = 30;

struct Options {
  uint64_t seed = 1, count = 1000;
  double seconds = 0;
  uint64_t shard = 0, shards = 1;
  std::string keep = "property-failures", answers, cases;
  bool show = false, shrinks = true;
};

int kept_cases(const std::string& folder) {
  int failures = 0, count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    ++count;
    for (const int level : {0, 2}) {
      const std::string problem = apart(
          [&] { return check_case(load_case(entry.path().string()), level).problem; }, seconds_per_case);
      if (problem.empty()) continue;
      ++failures;
      fmt::print("{} at -O{}: {}\n", entry.path().filename().string(), level, problem);
    }
  }
  fmt::print("{} kept cases, {} failures\n", count, failures);
  return failures > 0 ? 1 : 0;
}

// Runs a seed apart; the answer is a problem or "".
std::string run_seed(uint64_t seed, const Options& options) {
  return apart(
      [&] {
        const Case made = make_case(seed);
        if (!made.rejected.empty()) return "refused: " + made.rejected;
        if (made.model.graph.outputs.empty()) return std::string();
        const Checked checked = check_case(made, level_of(seed));
        if (checked.problem.empty() && !checked.outputs.empty() && !options.answers.empty()) {
          write_answers(made, checked.outputs, options.answers, std::to_string(seed));
        }
        return checked.problem;
      },
      seconds_per_case);
}

void keep(uint64_t seed, const std::string& problem, const Options& options) {
  if (problem.starts_with("refused") || problem.starts_with("exception")) return;
  fs::create_directories(options.keep);
  const std::string path = fmt::format("{}/seed-{}.onnx", options.keep, seed);
  const std::string text = apart(
      [&] {
        std::string final_problem = problem;
        Case made = make_case(seed);
        if (options.shrinks) made = shrink(made, level_of(seed), 60, final_problem);
        save_case(made, path);
        return fmt::format("  smaller: {}\n{}", final_problem, describe(made));
      },
      200);
  fmt::print("{}\n  kept as {}\n", text, path);
}

int run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  if (!options.answers.empty()) fs::create_directories(options.answers);
  uint64_t done = 0, failures = 0;
  for (uint64_t i = options.shard; i < options.count; i += options.shards) {
    if (options.seconds > 0 && elapsed() > options.seconds) break;
    const uint64_t seed = options.seed + i;
    if (options.show) {
      const Case made = make_case(seed);
      fmt::print("seed {}: {}\n{}\n", seed, made.rejected, describe(made));
      continue;
    }
    const std::string problem = run_seed(seed, options);
    ++done;
    if (problem.empty()) continue;
    ++failures;
    fmt::print("seed {} at -O{}: {}\n", seed, level_of(seed), problem);
    std::fflush(stdout);
    keep(seed, problem, options);
    std::fflush(stdout);
  }
  fmt::print("{} models from seed {} on, {} failures, {:.1f} s\n", done, options.seed, failures, elapsed());
  return failures > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) {
        fmt::print(stderr, "{}", usage);
        std::exit(2);
      }
      return argv[++i];
    };
    if (name == "--seed") {
      options.seed = std::stoull(value());
    } else if (name == "--count") {
      options.count = std::stoull(value());
    } else if (name == "--seconds") {
      options.seconds = std::stod(value());
    } else if (name == "--shard") {
      const std::string text = value();
      options.shard = std::stoull(text);
      options.shards = std::stoull(text.substr(text.find('/') + 1));
    } else if (name == "--keep") {
      options.keep = value();
    } else if (name == "--answers") {
      options.answers = value();
    } else if (name == "--cases") {
      options.cases = value();
    } else if (name == "--show") {
      options.show = true;
    } else if (name == "--no-shrink") {
      options.shrinks = false;
    } else {
      fmt::print(stderr, "{}", usage);
      return 2;
    }
  }
  return options.cases.empty() ? run(options) : kept_cases(options.cases);
}
