#include "compiler/support/diagnostics.h"

#include <fmt/core.h>

namespace o2w {

std::string Diagnostic::to_string() const {
  std::string place;
  if (!where.node.empty()) place += fmt::format("node '{}'", where.node);
  if (!where.op.empty()) place += fmt::format("{}({})", place.empty() ? "" : " ", where.op);
  if (!where.tensor.empty()) place += fmt::format("{}tensor '{}'", place.empty() ? "" : ", ", where.tensor);
  return fmt::format("{}: {}{}{}{}{}", severity == Severity::error ? "error" : "warning", place,
                     place.empty() ? "" : ": ", message, hint.empty() ? "" : "; ", hint);
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::error) ++errors_;
  all_.push_back(std::move(diagnostic));
}

void Diagnostics::error(Location where, std::string message, std::string hint) {
  add({Severity::error, std::move(where), std::move(message), std::move(hint)});
}

void Diagnostics::warning(Location where, std::string message, std::string hint) {
  add({Severity::warning, std::move(where), std::move(message), std::move(hint)});
}

std::string Diagnostics::to_string() const {
  std::string text;
  for (const Diagnostic& diagnostic : all_) text += diagnostic.to_string() + "\n";
  return text;
}

}  // namespace o2w
