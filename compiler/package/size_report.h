// What a module's bytes are: its sections, functions and the nodes that need them, tables and weights.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "compiler/schedule/program.h"

namespace o2w::package {

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
    std::vector<std::string> nodes;  // "name (Conv-11)": whose kernels these are, or call them, in order
  };
  std::vector<Function> functions;  // largest first

  struct Node {
    std::string name;
    double code_bytes = 0;  // of its kernels and what they call: what n nodes share counts 1/n for each
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
// function that a call was compiled to; the `generated` functions that no call is are what kernels call, or
// the plan's.
SizeReport make_size_report(const schedule::Program& program, const std::vector<uint8_t>& code,
                            const std::function<std::string(const schedule::Call&)>& kernel_of,
                            const std::set<std::string>& generated);

}  // namespace o2w::package
