// What a module's bytes are: its sections, functions and the nodes that need them, tables and weights.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/schedule/program.h"

namespace o2w::package {

// Bytes of every function of a module that has a name section, by name.
std::map<std::string, int64_t> function_sizes(const std::vector<uint8_t>& wasm);

struct SizeReport {
  struct Part {
    std::string name;
    int64_t bytes = 0;
  };
  // What the module is made of, in file order; they add up to its size.
  std::vector<Part> parts;

  enum class Kind : uint8_t { kernel, plan, runtime };
  struct Function {
    std::string name;
    Kind kind = Kind::kernel;
    int64_t bytes = 0;
    std::vector<std::string> nodes;  // "name (Conv-11)": whose steps call this kernel, in order
  };
  std::vector<Function> functions;  // largest first

  struct Node {
    std::string name;
    double code_bytes = 0;  // of its kernels: a kernel that n nodes share counts 1/n for each
    int64_t weight_bytes = 0;
    std::vector<std::string> kernels;
  };
  std::vector<Node> nodes;  // in order of execution

  struct Weights {
    std::string name;
    int64_t bytes = 0;
    std::vector<std::string> nodes;  // that read it
  };
  std::vector<Weights> weights;  // largest first
};

// `code` is the module as Binaryen wrote it, with names and without the model's data. `kernel_of` is the
// function that a call was compiled to; functions that are neither such nor `is_runtime` are the plan's.
SizeReport make_size_report(const schedule::Program& program, const std::vector<uint8_t>& code,
                            const std::function<std::string(const schedule::Call&)>& kernel_of,
                            const std::function<bool(const std::string&)>& is_runtime);

}  // namespace o2w::package
