// Layouts and hand-shaped kernels: the steps of the schedule that look at which code will run.
#pragma once

#include "compiler/schedule/draft.h"
#include "compiler/schedule/kernel_alternatives.h"

namespace o2w::schedule {

// True when Conv2d (or, for 1 x 1, Matmul) kernels compute the convolution: f32, or i16 with weights that fit
// bytes (or are depthwise); one or two spatial dimensions, constant weights; of the transposed ones those
// without dilation, with known padding and a window no smaller than the stride.
bool has_kernel(const Draft& draft, const ConvolutionOp& convolution);

// True when the kernel of a convolution of few channels reads x as it lies: row-major. Its windows take fewer
// steps to pack from rows than from pixels.
bool takes_planes(const Draft& draft, const ConvolutionOp& convolution);

// Gives convolutions with a kernel channels-last operands. What lies between them follows (elementwise work,
// pools, resizes, concatenations); model inputs and outputs, views and whatever needs row-major storage stay,
// and copies are inserted where the two meet.
void assign_layouts(Draft& draft);

// Replaces transposed convolutions that have kernels by ordinary ones that each write some of the output.
void split_transposed_convolutions(Draft& draft);

// Runs a product, a nest that works on the rows of its result, and a product of that nest's result block by
// block of rows, where the whole of what lies between them would leave the caches.
void block_attention(Draft& draft);

struct KernelOptions {
  bool exact = false;     // see ScheduleOptions
  KernelChoices choices;  // go before the cost model
};

// Replaces convolutions and products of matrices by kernels, and packs their weights. What has no kernel is
// left as it is.
void choose_kernels(Draft& draft, const KernelOptions& options = {});

// Gives copies that find the places of a row's elements by floating-point work a table of these.
void tabulate_positions(Draft& draft);

// Makes several loops of nests whose conditions compare positions with sizes (pads, halves that change
// places): in each the conditions are known, and what is left are copies, fills and work that runs in
// vectors.
void split_edges(Draft& draft);

// An i16 matrix [k, n] and its packed bytes (Factors::i16_i8, with offsets or without).
struct PackedMatrix {
  int source = -1, packed = -1;  // tensors
  int64_t k = 0, n = 0, k_stride = 0, n_stride = 0;
  bool has_offsets = false;
};
// Where nests read a table of 8-bit numbers that are a packed matrix's up to a constant difference, they read
// the packed bytes instead, and the table is not kept.
void share_packed_weights(Draft& draft, const std::vector<PackedMatrix>& matrices);

// A tensor's dimensions outermost to innermost with the channels (dimension 1) last.
std::vector<int> channels_last_order(int rank);
// An operation that copies `from` (layout and all) to `to`, position by position; a blocked transpose where
// it is one.
Operation copy_operation(const Draft& draft, int from, int to);

}  // namespace o2w::schedule
