// make_graph_modules OUT GRAPH.txt...: compiles graphs in text form; OUT/<file's name>.wasm and .mjs.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/package/package.h"
#include "compiler/schedule/schedule.h"

namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const char* bytes, std::size_t size) {
  std::ofstream(path, std::ios::binary).write(bytes, static_cast<std::streamsize>(size));
}

bool compile(const fs::path& source, const fs::path& folder, o2w::Diagnostics& diagnostics) {
  std::ifstream file(source);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto graph = o2w::ir::parse_graph(text, diagnostics);
  if (!graph) return false;
  o2w::ir::verify(*graph, "parsing");
  const auto program = o2w::schedule::make_program(*graph, {.level = 2}, diagnostics);
  if (!program) return false;
  const auto package = o2w::package::make_package(*program, {.level = 2, .version = "test"}, diagnostics);
  if (!package) return false;
  const std::string wasm = source.stem().string() + ".wasm";
  const std::vector<uint8_t> bytes = package->wasm.joined();
  write(folder / wasm, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string loader = o2w::package::loader_js(*package, wasm);
  write(folder / (source.stem().string() + ".mjs"), loader.data(), loader.size());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  fs::create_directories(arguments[1]);
  for (int k = 2; k < count; ++k) {
    o2w::Diagnostics diagnostics;
    if (compile(arguments[k], arguments[1], diagnostics)) continue;
    std::fprintf(stderr, "%s:\n%s", arguments[k], diagnostics.to_string().c_str());
    return 1;
  }
  return 0;
}
