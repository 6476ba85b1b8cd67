// onnx2wasm: the command. Parses the command line, runs a verb, and is the only place that turns failures
// into exit codes.
#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "compiler/driver/pipeline.h"
#include "compiler/driver/verbs.h"
#include "compiler/support/error.h"

namespace {

using o2w::driver::Verb;

int run(int argc, char** argv) {
  CLI::App app{
      "Compiles ONNX models to self-contained WebAssembly modules.\n"
      "`onnx2wasm model.onnx -o model.wasm` is short for `onnx2wasm compile model.onnx -o model.wasm`."};
  app.name("onnx2wasm");
  app.set_version_flag("--version", std::string("onnx2wasm ") + o2w::driver::compiler_version());
  app.require_subcommand(1);

  std::map<std::string, Verb> verbs;
  const auto add = [&](const char* name, const char* what, Verb (*declare)(CLI::App&)) {
    verbs[name] = declare(*app.add_subcommand(name, what));
  };
  add("compile", "Compile a model to a WebAssembly module", o2w::driver::add_compile_verb);
  add("check", "Say whether a model compiles and all that stands in the way", o2w::driver::add_check_verb);
  add("inspect", "Show a model's inputs, outputs, operators and cost", o2w::driver::add_inspect_verb);
  add("run", "Run a module or a model on given inputs", o2w::driver::add_run_verb);
  add("verify", "Compare the compiled module with native ONNX Runtime on the same inputs",
      o2w::driver::add_verify_verb);
  add("list-ops", "List the operators that can be compiled", o2w::driver::add_list_ops_verb);

  std::vector<std::string> arguments(argv + 1, argv + argc);
  // Without a verb, a first word that is not an option of the command itself means `compile`.
  if (!arguments.empty() && !verbs.contains(arguments[0]) && arguments[0] != "--help" &&
      arguments[0] != "-h" && arguments[0] != "--version") {
    arguments.insert(arguments.begin(), "compile");
  }
  // CLI11 takes the arguments last to first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
    return verbs.at(app.get_subcommands().front()->get_name())();
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);  // prints help, the version or what is wrong
    return code == 0 ? o2w::driver::exit_ok : o2w::driver::exit_usage;
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Writing past a file size limit then fails like any other write, with an error that can be reported.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const o2w::ModelError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return o2w::driver::exit_model;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: out of memory; the model is too large for this machine\n");
    return o2w::driver::exit_model;
  } catch (const std::exception& error) {
    fmt::print(stderr, "internal error: {}\nThis is a bug of onnx2wasm, please report it with the model.\n",
               error.what());
    return o2w::driver::exit_internal;
  }
}
