// Collects what is wrong with a model, so that all problems are reported together and not one at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace o2w {

enum class Severity { warning, error };

// Where in the user's model a problem sits; any part may be empty.
struct Location {
  std::string node;    // ONNX node name, or "#12" when it has none
  std::string op;      // "Conv-11" or "com.microsoft.Gelu-1"
  std::string tensor;  // tensor name
};

struct Diagnostic {
  Severity severity = Severity::error;
  Location where;
  std::string message;  // what is wrong, with expected and got
  std::string hint;     // what to do about it; may be empty

  // One line: `error: node 'conv1' (Conv-11), tensor 'w': message; hint`.
  std::string to_string() const;
};

class Diagnostics {
 public:
  void add(Diagnostic diagnostic);
  void error(Location where, std::string message, std::string hint = {});
  void warning(Location where, std::string message, std::string hint = {});

  bool has_errors() const { return errors_ > 0; }
  std::size_t error_count() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }
  std::string to_string() const;

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

// A stage returns its product, or nothing after having put at least one error into its Diagnostics.
template <typename T>
using Result = std::optional<T>;

}  // namespace o2w
