// Files that appear whole or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/package/pieces.h"

namespace o2w::driver {

// Writes to a temporary file in the same folder, flushes it to the disk and renames it. ModelError naming
// path and cause on any failure (folder missing, disk full, no permission); then nothing is left behind.
void write_file_atomically(const std::string& path, std::span<const uint8_t> bytes);
void write_file_atomically(const std::string& path, const std::string& text);
void write_file_atomically(const std::string& path, const package::Pieces& bytes);

// Several files that belong together: all are written before the first is renamed.
struct OutputFile {
  std::string path;
  package::Pieces bytes;
};
void write_files_atomically(const std::vector<OutputFile>& files);

// The whole file; ModelError naming path and cause.
std::vector<uint8_t> read_file(const std::string& path);

}  // namespace o2w::driver
