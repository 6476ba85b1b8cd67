// make_test_modules FOLDER: writes the modules of the hand-made programs with their loaders.
#include <filesystem>
#include <fstream>

#include "compiler/package/package.h"
#include "tests/package/hand_made_programs.h"

namespace {

void write(const std::filesystem::path& path, const char* bytes, std::size_t size) {
  std::ofstream(path, std::ios::binary).write(bytes, static_cast<std::streamsize>(size));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = arguments[1];
  std::filesystem::create_directories(folder);
  for (const auto& program : {o2w::package_test::static_program, o2w::package_test::dynamic_program,
                              o2w::package_test::sort_program}) {
    const o2w::schedule::Program made = program();
    o2w::Diagnostics diagnostics;
    const auto package = o2w::package::make_package(made, {.level = 2, .version = "test"}, diagnostics);
    if (!package) return 1;
    const std::string name = made.name + ".wasm";
    const std::vector<uint8_t> wasm = package->wasm.joined();
    write(folder / name, reinterpret_cast<const char*>(wasm.data()), wasm.size());
    const std::string loader = o2w::package::loader_js(*package, name),
                      types = o2w::package::loader_dts(made, name);
    write(folder / (made.name + ".mjs"), loader.data(), loader.size());
    write(folder / (made.name + ".d.ts"), types.data(), types.size());
  }
  return 0;
}
