#include "compiler/driver/input_options.h"

#include <fmt/core.h>

#include <CLI/Error.hpp>

#include "compiler/driver/tensor_files.h"
#include "compiler/support/error.h"

namespace o2w::driver {
namespace {

// The sizes of an input's dimensions as far as the module and the command line tell; -1 where they don't.
std::vector<int64_t> known_dims(const ModulePort& port, const CompileOptions& sizes) {
  std::vector<int64_t> dims;
  for (const ModulePort::Size& size : port.dims) {
    if (size.value) {
      dims.push_back(*size.value);
    } else if (const auto found = sizes.import.dims.find(size.name); found != sizes.import.dims.end()) {
      if (found->second.lower != found->second.upper) {
        fail_model("input '{}': --dim {} is a range here, but one size is needed", port.name, size.name);
      }
      dims.push_back(found->second.lower);
    } else {
      dims.push_back(-1);
    }
  }
  if (const auto found = sizes.import.shapes.find(port.name); found != sizes.import.shapes.end()) {
    if (found->second.size() != dims.size()) {
      fail_model("input '{}' has {} dimensions ({}), --shape gives {}", port.name, dims.size(),
                 port.to_string(), found->second.size());
    }
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (found->second[i] >= 0) dims[i] = found->second[i];
    }
  }
  return dims;
}

std::vector<int64_t> all_dims(const ModulePort& port, const CompileOptions& sizes) {
  std::vector<int64_t> dims = known_dims(port, sizes);
  for (const int64_t dim : dims) {
    if (dim < 0) {
      fail_model("input '{}' is {}: say its size by --shape '{}=...' or --dim NAME=SIZE", port.name,
                 port.to_string(), port.name);
    }
  }
  return dims;
}

}  // namespace

void InputOptions::add_to(CLI::App& app) {
  app.add_option("-i,--input", inputs,
                 "An input's contents: name=@file.npy, name=@file.pb, name=@file.raw, name=@file.json "
                 "(strings), name=random")
      ->type_name("NAME=WHAT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--seed", seed, "For random inputs")->capture_default_str();
}

std::vector<NamedTensor> InputOptions::tensors(const ModuleInfo& info, const CompileOptions& sizes,
                                               bool default_random) const {
  std::map<std::string, std::string> given;
  for (const std::string& text : inputs) {
    std::size_t at = text.rfind("=@");
    if (at == std::string::npos && text.ends_with("=random")) at = text.size() - 7;
    if (at == std::string::npos || at == 0) {
      throw CLI::ValidationError("--input", fmt::format("'{}' is neither NAME=@FILE nor NAME=random", text));
    }
    if (!given.emplace(text.substr(0, at), text.substr(at + 1)).second) {
      throw CLI::ValidationError("--input", fmt::format("'{}' is given twice", text.substr(0, at)));
    }
  }
  std::vector<NamedTensor> tensors;
  std::string missing, names;
  for (std::size_t i = 0; i < info.inputs.size(); ++i) {
    const ModulePort& port = info.inputs[i];
    names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", port.name, port.to_string());
    const auto found = given.find(port.name);
    if (found == given.end() && !default_random) {
      missing += fmt::format("{}'{}'", missing.empty() ? "" : ", ", port.name);
    } else if (found == given.end() || found->second == "random") {
      tensors.push_back({port.name, random_tensor(port.type, all_dims(port, sizes), seed + i)});
    } else {
      const std::string path = found->second.substr(1);
      const bool raw = path.ends_with(".raw");
      tensors.push_back(
          {port.name, read_tensor(path, port.type, raw ? all_dims(port, sizes) : std::vector<int64_t>{})});
    }
    if (found != given.end()) given.erase(found);
  }
  if (!given.empty()) fail_model("no input is called '{}'; there are {}", given.begin()->first, names);
  if (!missing.empty())
    fail_model("no contents for input {}; give --input NAME=@FILE or NAME=random. Inputs: {}", missing,
               names);
  return tensors;
}

}  // namespace o2w::driver
