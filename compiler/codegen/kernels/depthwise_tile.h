// Tiles of depthwise convolutions: a few neighbouring pixels, four channels after four.
#pragma once

#include <string>

#include "compiler/codegen/function_table.h"
#include "compiler/codegen/kernels/tile.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

// What is done four channels at a time: f32, or i16 widened to i32.
V128 depthwise_times(Factors factors, V128 a, V128 b);
V128 depthwise_plus(Factors factors, V128 a, V128 b);
// log2 of the bytes of an element.
int depthwise_shift(Factors factors);

// How many lines the first-level cache holds at once of which each begins where a pixel does: as many of its
// sets as pixels reach.
int64_t lines_at_once(const schedule::Conv2d& kernel);

// Whether a convolution is made of tiles: windows of 2 to 7 columns, stride 1 or 2, columns not dilated.
bool has_depthwise_tiles(const schedule::Conv2d& kernel);
// Output pixels of a tile, and the picture's columns that their windows cover.
int depthwise_tile_pixels(const schedule::Conv2d& kernel);
int depthwise_tile_columns(const schedule::Conv2d& kernel);
// What the functions' code depends on besides factors and epilogue.
std::string depthwise_tile_form(const schedule::Conv2d& kernel);

// tiles(x, weights, out, operands..., channels, ky_count, x_row_step, x_pixel_step, w_block_step, out_step,
// out_offset, tiles): `tiles` tiles side by side whose windows' columns all lie in the picture. x: the first
// window's first row and column in the picture; weights: its row of the first block's taps. Of the channels
// only whole fours.
std::string depthwise_tiles_function(FunctionTable& functions, const schedule::Conv2d& kernel);
// tile(..., out_offset, first_channel, before, end, pixels): one tile of `pixels` pixels and the channels
// from the first one on, all of them. The columns [before, end) of those that it covers lie in the picture.
std::string depthwise_edge_function(FunctionTable& functions, const schedule::Conv2d& kernel);

}  // namespace o2w::codegen
