// Sizes that kernels are made for: what the packing of weights, the cost model and the code generator have to
// agree on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace o2w::schedule {

// Columns of a register tile, two vectors of f32, and of a panel of packed weights.
inline constexpr int kPanel = 8;
// Rows of a register tile and of a block of packed rows.
inline constexpr int kTileRows = 4;
// Products of no more columns, of f32 and packed rows, have kernels of their own.
inline constexpr int64_t kNarrowColumns = 4;

// Convolutions of at most so many channels, and columns of the window, read planes.
inline constexpr int64_t kMostPlanes = 8, kMostPlaneTaps = 7;
// Of the rows that are packed at once: half of a common second-level cache, which panels pass through too.
inline constexpr int64_t kPackedBlockBytes = 128 * 1024;

// Winograd's algorithm: a tile has 6 x 6 inputs whatever the window.
inline constexpr int kWinogradInputs = 6;
inline constexpr int kWinogradPoints = kWinogradInputs * kWinogradInputs;
// Results of a tile, along one side.
constexpr int winograd_outputs(int64_t window) { return kWinogradInputs + 1 - static_cast<int>(window); }

// Tiles whose inputs are transformed at once, for which a panel's filters are then transformed: as many as
// keep these inputs in a common third-level cache's part of a core, and enough to be worth it. `tiles`: of a
// picture, nothing if not known.
inline int64_t winograd_block_tiles(int64_t channels, std::optional<int64_t> tiles) {
  constexpr int64_t kBytes = 1024 * 1024;
  const int64_t tile_bytes = 4 * kWinogradPoints * std::max<int64_t>(channels, 1),
                most = std::clamp<int64_t>(kBytes / tile_bytes & -kTileRows, 32, 128);
  if (!tiles) return most;
  // Blocks of about the same size.
  const int64_t count = std::max<int64_t>(*tiles, 1), blocks = (count + most - 1) / most;
  return ((count + blocks - 1) / blocks + (kTileRows - 1)) & -kTileRows;
}

constexpr int64_t panels_of(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

}  // namespace o2w::schedule
