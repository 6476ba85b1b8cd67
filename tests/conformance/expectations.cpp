#include "tests/conformance/expectations.h"

#include <fstream>
#include <stdexcept>

namespace o2w::conformance {

Reasons read_reasons(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read '" + path + "'");
  Reasons reasons;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || tab == 0 || tab + 1 == line.size()) {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": expected a name, a tab and a reason");
    }
    reasons[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return reasons;
}

void write_reasons(const std::string& path, const std::string& header, const Reasons& reasons) {
  std::ofstream file(path);
  file << "# " << header << "\n";
  for (const auto& [name, reason] : reasons) file << name << "\t" << reason << "\n";
  file.close();
  if (!file) throw std::runtime_error("cannot write '" + path + "'");
}

std::string surprise(const Reasons& expected, const std::string& name, const std::string& reason) {
  const bool listed = expected.contains(name);
  if (reason.empty()) return listed ? "passes, but is listed as failing: remove it from the list" : "";
  return listed ? "" : "fails: " + reason;
}

}  // namespace o2w::conformance
