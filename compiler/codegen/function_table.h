// The generated functions of a module, memoised: layers of the same form share one function, which engines
// optimise once.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/codegen/dsl.h"
#include "compiler/ir/dim.h"

namespace o2w::codegen {

// How the plan calls a kernel: parameters are the pointers (i32 addresses, in the order of
// schedule::Call::pointers), then these sizes.
struct KernelCall {
  std::string function;
  std::vector<ir::Dim> arguments;  // i32
  // The function takes the number of the run-time error as its last parameter and may raise it
  // (raise_error()).
  bool can_fail = false;
  // Scratch memory that all kernels share, and memory in front of it that nobody writes: bytes that are 0. If
  // either is wanted, the function takes the addresses of both as its last parameters, zeros first.
  int64_t zero_bytes = 0, workspace_bytes = 0;
  bool takes_workspace() const { return zero_bytes > 0 || workspace_bytes > 0; }
};

// What the code is made for: what the engines that run the module are good at, and its size.
struct Target {
  // Elements of a sum that the inner loop of products takes a round: 1, 2 or 4. V8 before 13.6 (Node 22,
  // Chrome 135) loads all operands of a round at its beginning and runs out of registers with more than 1;
  // engines since are up to an eighth faster with 4.
  int unroll = 1;
  // -Os: functions are called rather than copied, loops take a vector a round, and no kernel has a variant
  // that only some shapes use.
  bool small = false;
};

// How much code a loop nest is worth: vectors, several of them a round; one a round, with calls of functions;
// or single elements.
enum class Effort : uint8_t { most, some, least };

class FunctionTable {
 public:
  explicit FunctionTable(BinaryenModuleRef module, const Target& target = {})
      : module_(module), target_(target), effort_(usual_effort()) {}

  BinaryenModuleRef module() const { return module_; }
  const Target& target() const { return target_; }

  // The name of the function for `key`. The first time, `build` fills its body (the builder is finished
  // here); the function is called `name`, made unique by a number. `key` must tell everything that `build`
  // depends on.
  std::string get(const std::string& name, const std::string& key,
                  const std::function<void(FunctionBuilder&)>& build);

  // Whether products leave their epilogue to a pass over finished rows where it can be done there, so that
  // they share their tiles with products that have none: in small code, and where little time is at stake.
  bool shares_tiles() const { return target_.small || is_minor_; }
  void set_minor(bool is_minor) { is_minor_ = is_minor; }

  // Nests by the key of their canonical form; those that are not named are worth the most (in small code,
  // some).
  void set_efforts(std::map<std::string, Effort> efforts) { efforts_ = std::move(efforts); }
  // What the nest between these two is worth.
  void begin_nest(const std::string& key) {
    const auto found = efforts_.find(key);
    if (found != efforts_.end()) effort_ = std::max(effort_, found->second);
  }
  void end_nest() { effort_ = usual_effort(); }
  Effort effort() const { return effort_; }

  // Functions of the runtime library whose code was copied into generated ones.
  void note_copied(const std::string& function) { copied_.insert(function); }
  const std::set<std::string>& copied() const { return copied_; }

  // The global that a kernel's run-time error is left in: 0, or 1 + the number of the message.
  static constexpr const char* kErrorGlobal = "o2w_pending_error";
  // Adds the global on first use. A statement that sets it.
  void raise_error(FunctionBuilder& f, I32 error_number);
  // Reads it.
  I32 pending_error(const FunctionBuilder& f);
  void clear_error(FunctionBuilder& f);

 private:
  void need_error_global();
  Effort usual_effort() const { return target_.small ? Effort::some : Effort::most; }

  BinaryenModuleRef module_;
  Target target_;
  std::map<std::string, std::string> names_;  // by key
  std::map<std::string, int> taken_;          // function names
  std::set<std::string> copied_;
  bool has_error_global_ = false, is_minor_ = false;
  std::map<std::string, Effort> efforts_;
  Effort effort_;
};

}  // namespace o2w::codegen
