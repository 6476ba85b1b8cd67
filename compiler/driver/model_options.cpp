#include "compiler/driver/model_options.h"

#include <fmt/core.h>

#include <CLI/Error.hpp>
#include <charconv>

namespace o2w::driver {
namespace {

int64_t parse_number(const std::string& option, std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw CLI::ValidationError(option, fmt::format("'{}' is not a whole number", text));
  }
  return value;
}

// "65536", "256K", "256M", "1G" -> bytes.
int64_t parse_bytes(const std::string& option, const std::string& text) {
  static constexpr std::string_view kSuffixes = "KMG";
  std::string_view digits = text;
  int shift = 0;
  if (const std::size_t suffix = digits.empty() ? kSuffixes.npos : kSuffixes.find(digits.back());
      suffix != kSuffixes.npos) {
    shift = 10 * (static_cast<int>(suffix) + 1);
    digits.remove_suffix(1);
  }
  const int64_t number = parse_number(option, digits);
  if (number < 0 || number > (int64_t{1} << 40) >> shift) {
    throw CLI::ValidationError(option, fmt::format("'{}' is out of range", text));
  }
  return number << shift;
}

// Splits "name=rest" at the last '=', since tensor names may hold any character.
std::pair<std::string, std::string> split_assignment(const std::string& option, const std::string& text,
                                                     const char* form) {
  const std::size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    throw CLI::ValidationError(option, fmt::format("'{}' is not of the form {}", text, form));
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

std::vector<int64_t> parse_dims(const std::string& option, const std::string& text) {
  std::vector<int64_t> dims;
  std::size_t start = 0;
  if (text.empty()) return dims;
  for (;;) {
    const std::size_t comma = text.find(',', start);
    dims.push_back(parse_number(option, std::string_view(text).substr(start, comma - start)));
    if (comma == std::string::npos) return dims;
    start = comma + 1;
  }
}

void ModelOptions::add_to(CLI::App& app) {
  app.add_option("model", model, "The model, an .onnx file")->required();
  app.add_option("--shape", shapes,
                 "Fix an input's shape: input=1,3,224,224 (-1 leaves a dimension as it is)")
      ->type_name("INPUT=DIMS")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--dim", dims, "Fix or bound a named dimension: batch=1, seq=1..512")
      ->type_name("NAME=SIZE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--max-memory", max_memory,
                 "The module's memory may not grow beyond this: 65536, 256K, 256M, 1G. Inputs that would "
                 "need more are an "
                 "error (too_large) of the run")
      ->type_name("BYTES");
  app.add_option("--weights", weights,
                 "Where the weights go: embedded (in the module) or sidecar (into MODEL.weights beside it)")
      ->check(CLI::IsMember({"embedded", "sidecar"}))
      ->capture_default_str();
  app.add_option("--weights-part", weights_part,
                 "With --weights=sidecar: cut the weights into files of at most so many bytes (default 512M)")
      ->type_name("BYTES");
  app.add_option("-O", level, "Optimisation: 0 none, 1 quick, 2 all, 3 all and slow, s small code")
      ->check(CLI::IsMember({"0", "1", "2", "3", "s"}))
      ->capture_default_str();
  app.add_flag(
      "--exact", exact,
      "Only sums in the order that operators define: no Winograd convolutions, whose results differ by "
      "some 1e-6 of the largest number, and NaN where inputs are infinite");
  app.add_option("--unroll", unroll,
                 "Elements of a sum that the inner loop of products takes a round. More than 1 is for V8 "
                 "from 13.6 on "
                 "(Node 24, Chrome 136); older ones run out of registers")
      ->check(CLI::IsMember({1, 2, 4}))
      ->capture_default_str();
  app.add_option("--dump-phases", dump_folder,
                 "Write the intermediate form after each phase into this folder")
      ->type_name("DIR");
  app.add_flag("-q,--quiet", quiet, "Say nothing but errors");
  app.add_flag("-v,--verbose", verbose, "Say more");
}

CompileOptions ModelOptions::compile_options() const {
  CompileOptions options;
  options.small = level == "s";
  if (!options.small) options.level = level[0] - '0';
  if (options.small) options.kernels = {{"*", "packed"}};  // one kernel for all products
  options.exact = exact;
  options.unroll = unroll;
  options.dump_folder = dump_folder;
  if (!max_memory.empty()) {
    constexpr int64_t kPageBytes = 65536;
    options.max_memory = parse_bytes("--max-memory", max_memory);
    if (options.max_memory < kPageBytes) {
      throw CLI::ValidationError(
          "--max-memory", fmt::format("'{}' is less than a page of WebAssembly memory (64K)", max_memory));
    }
  }
  if (weights == "sidecar") options.weights_name = "model.weights";
  if (!weights_part.empty()) {
    constexpr int64_t kLeast = 65536;
    if (weights != "sidecar") {
      throw CLI::ValidationError("--weights-part", "is of no use without --weights=sidecar");
    }
    options.weights_part = parse_bytes("--weights-part", weights_part);
    if (options.weights_part < kLeast) {
      throw CLI::ValidationError("--weights-part", fmt::format("'{}' is less than 64K", weights_part));
    }
  }
  for (const std::string& text : shapes) {
    const auto [name, value] = split_assignment("--shape", text, "INPUT=1,3,224,224");
    if (!options.import.shapes.emplace(name, parse_dims("--shape", value)).second) {
      throw CLI::ValidationError("--shape", fmt::format("'{}' is given twice", name));
    }
  }
  for (const std::string& text : dims) {
    const auto [name, value] = split_assignment("--dim", text, "NAME=4 or NAME=1..512");
    const std::size_t dots = value.find("..");
    onnx_frontend::DimRange range;
    range.lower = parse_number("--dim", std::string_view(value).substr(0, dots));
    range.upper = dots == std::string::npos ? range.lower
                                            : parse_number("--dim", std::string_view(value).substr(dots + 2));
    if (range.lower < 0 || range.upper < range.lower) {
      throw CLI::ValidationError("--dim", fmt::format("'{}': the range is empty or negative", text));
    }
    if (!options.import.dims.emplace(name, range).second) {
      throw CLI::ValidationError("--dim", fmt::format("'{}' is given twice", name));
    }
  }
  return options;
}

}  // namespace o2w::driver
