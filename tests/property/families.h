// The ways in which a random model grows by a node or a few: one function per form, in one file per family of
// operators. Element types come from the operator table; what ONNX asks of shapes and attributes is here.
//
// What a form leaves out on purpose says why, above all where native ONNX Runtime is not what the
// specification says.
#pragma once

#include <vector>

#include "tests/property/maker.h"

namespace o2w::property {

struct Family {
  const char* name;
  int weight;  // how often, relative to the others
  void (*grow)(Maker&);
};

void grow_unary(Maker& m);
void grow_binary(Maker& m);
void grow_choice(Maker& m);  // Where, Clip, Cast, comparisons
void grow_logic(Maker& m);
void grow_reshape(Maker& m);
void grow_movement(Maker& m);
void grow_slice(Maker& m);
void grow_concat_split(Maker& m);
void grow_pad(Maker& m);
void grow_shape_arithmetic(Maker& m);
void grow_gather(Maker& m);
void grow_scatter(Maker& m);
void grow_selection(Maker& m);  // TopK, NonZero, Compress, Unique, OneHot
void grow_reduction(Maker& m);
void grow_normalization(Maker& m);
void grow_matmul(Maker& m);
void grow_convolution(Maker& m);
void grow_pooling(Maker& m);
void grow_resize(Maker& m);
void grow_recurrent(Maker& m);
void grow_quantization(Maker& m);
void grow_microsoft(Maker& m);
void grow_if(Maker& m);
void grow_loop(Maker& m);
void grow_scan(Maker& m);

const std::vector<Family>& families();
// One step by a family drawn at random; `simple` leaves out those with subgraphs.
void grow(Maker& m, bool simple = false);

}  // namespace o2w::property
