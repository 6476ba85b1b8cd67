// Sizes that kernels are made for: what the packing of weights, the cost model and the code generator have to
// agree on.
#pragma once

#include <cstdint>

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

constexpr int64_t panels_of(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

}  // namespace o2w::schedule
