#include "tests/conformance/run_case.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "compiler/support/error.h"
#include "frontends/onnx/model.h"
#include "tests/support/tensors.h"

namespace o2w::conformance {
namespace {

using onnx_frontend::ModelDef;

std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// The model's inputs that the case gives data for, in order: those without an initializer.
std::vector<std::string> input_names(const ModelDef& model) {
  std::vector<std::string> names;
  for (const auto& input : model.graph.inputs) {
    if (!model.graph.initializers.contains(input.name)) names.push_back(input.name);
  }
  return names;
}

// Makes all tensors among the inputs but the first one initializers.
void make_constant(ModelDef& model, std::vector<ir::Tensor>& inputs) {
  const std::vector<std::string> names = input_names(model);
  std::vector<ir::Tensor> left;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // There are no initializers of other types.
    if (i == 0 || inputs[i].type() == ir::DType::list) {
      left.push_back(inputs[i]);
      continue;
    }
    model.graph.initializers[names[i]] = inputs[i];
    std::erase_if(model.graph.inputs, [&](const auto& input) { return input.name == names[i]; });
  }
  inputs = std::move(left);
}

// ONNX's data files hold bfloat16 tensors as uint16, the bits numpy has a type for.
ir::Tensor as_declared(ir::Tensor tensor, const onnx_frontend::TypeDef& type) {
  if (type.element != ir::DType::bf16 || tensor.type() != ir::DType::u16) return tensor;
  return {ir::DType::bf16, tensor.dims(), {tensor.bytes(), tensor.bytes() + tensor.byte_count()}};
}

const onnx_frontend::TypeDef& type_of(const std::vector<onnx_frontend::ValueDef>& values,
                                      const std::string& name) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.name == name; });
  if (found == values.end()) throw std::runtime_error("the model has no '" + name + "'");
  return found->type;
}

ir::Tensor load_value(const std::string& path, const onnx_frontend::TypeDef& type) {
  return as_declared(test::load_value(path, type), type);
}

void run_data_set(const ModelDef& source, const DataSet& data, Mode mode, Executor& executor) {
  ModelDef model = source;
  std::vector<ir::Tensor> inputs;
  const std::vector<std::string> names = input_names(model);
  if (data.inputs.size() != names.size()) {
    throw std::runtime_error("the case has data for " + std::to_string(data.inputs.size()) +
                             " inputs, the model has " + std::to_string(names.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    inputs.push_back(load_value(data.inputs[i], type_of(model.graph.inputs, names[i])));
  }
  if (mode == Mode::constant) make_constant(model, inputs);
  onnx_frontend::ImportOptions options;
  options.all_dims_dynamic = mode == Mode::dynamic;
  const std::vector<ir::Tensor> outputs = executor.run(model, options, inputs);
  if (outputs.size() != data.outputs.size()) {
    throw std::runtime_error("got " + std::to_string(outputs.size()) + " outputs, expected " +
                             std::to_string(data.outputs.size()));
  }
  ensure(outputs.size() == source.graph.outputs.size(), "an executor gives all outputs");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ir::Tensor expected = load_value(data.outputs[i], source.graph.outputs[i].type);
    const auto difference = test::difference(outputs[i], expected);
    if (difference) throw std::runtime_error("output " + std::to_string(i) + ": " + *difference);
  }
}

}  // namespace

std::string run_case(const Case& which, Mode mode, Executor& executor) {
  try {
    Diagnostics diagnostics;
    const Result<ModelDef> model = onnx_frontend::read_model(which.model, diagnostics);
    if (!model) return one_line(diagnostics.to_string());
    if (which.data_sets.empty()) return "the case has no data";
    for (const DataSet& data : which.data_sets) run_data_set(*model, data, mode, executor);
    return "";
  } catch (const InternalError& error) {
    return one_line(std::string("internal error: ") + error.what());
  } catch (const std::exception& error) {
    return one_line(error.what());
  }
}

std::string run_case_apart(const Case& which, Mode mode, Executor& executor, int seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot make a process");
  if (child == 0) {
    close(ends[0]);
    // Of the processor's time, so that a busy machine changes nothing; the clock is for who sleeps for ever.
    const itimerval limit{{0, 0}, {seconds, 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
    alarm(static_cast<unsigned>(10 * seconds));
    const std::string reason = run_case(which, mode, executor);
    const char* text = reason.data();
    for (std::size_t left = reason.size(); left > 0;) {
      const ssize_t written = write(ends[1], text, left);
      if (written <= 0) _exit(1);
      text += written;
      left -= static_cast<std::size_t>(written);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string reason;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    reason.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    if (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM)
      return "no end within " + std::to_string(seconds) + " s";
    return std::string("crash: ") + strsignal(WTERMSIG(status));
  }
  if (WEXITSTATUS(status) != 0) return "crash: exit code " + std::to_string(WEXITSTATUS(status));
  return reason;
}

}  // namespace o2w::conformance
