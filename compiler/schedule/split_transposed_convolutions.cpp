// Transposed convolution -> ordinary convolutions, one for each phase of the stride, or for each of its rows.
//
// Output position o = s * q + p of phase p is reached by the window taps k with (p + pad - k) divisible by s,
// from the input positions q + (p + pad - k) / s. So each phase is a convolution of stride 1 with every s-th
// tap, in reverse, and writes every s-th output position: no multiplication by inserted zeros is done (Shi et
// al., "Is the deconvolution layer the same as a convolutional layer?", 2016).
//
// A window as wide as the stride has one tap for each phase of a row, and all read the same columns. Their
// results are neighbours in memory, so they are the columns of one convolution.
#include <cstring>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

using ir::Dim;

// The taps of one dimension that belong to a phase: first, first + stride, ... below the window's size.
struct Phase {
  Phase(int64_t offset, int64_t stride, int64_t pad, int64_t window)
      : position(offset), first((offset + pad) % stride), taps((window - first + stride - 1) / stride) {
    leading = taps - 1 - (offset + pad - first) / stride;
  }
  int64_t position;
  int64_t first, taps;
  int64_t leading;  // padding before the input, negative where input is left out
};

// [c, m of a group, k..] -> [m, c of a group, taps of the phases, in reverse].
ir::Tensor phase_weights(const ir::Tensor& w, const std::vector<Phase>& phases,
                         const std::vector<int64_t>& strides, int64_t groups) {
  const int64_t c = w.dims()[0] / groups, m = w.dims()[1];
  const bool flat = phases.size() == 1;
  const int64_t kh = flat ? 1 : w.dims()[2], kw = w.dims().back();
  const int64_t rows = flat ? 1 : phases[0].taps, columns = phases.back().taps;
  std::vector<int64_t> dims{groups * m, c};
  for (const Phase& phase : phases) dims.push_back(phase.taps);
  ir::Tensor result(ir::DType::f32, dims);
  const float* from = w.data<float>();
  float* to = result.mutable_data<float>();
  for (int64_t channel = 0; channel < groups * m; ++channel) {
    const int64_t first = channel / m * c, mi = channel % m;
    for (int64_t ci = first; ci < first + c; ++ci) {
      for (int64_t row = rows; row-- > 0;) {
        const int64_t y = flat ? 0 : phases[0].first + row * strides[0];
        for (int64_t column = columns; column-- > 0;) {
          const int64_t x = phases.back().first + column * strides.back();
          *to++ = from[((ci * m + mi) * kh + y) * kw + x];
        }
      }
    }
  }
  return result;
}

// A tensor that lies in `whole`, for now all of it.
DraftTensor part_of(const Draft& draft, int whole, const char* suffix) {
  DraftTensor part = draft.at(whole);
  part.home = DraftTensor::Home::computed;
  part.contents = ir::Tensor();
  part.port = -1;
  part.host = whole;
  part.has_capacity = false;
  part.host_offset = 0;
  part.name += suffix;
  return part;
}

// The positions of a phase as a tensor lying in `whole`.
int phase_of(Draft& draft, int whole, const std::vector<Phase>& phases, const std::vector<int64_t>& strides) {
  DraftTensor part = part_of(draft, whole, " phase");
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const std::size_t d = i + 2;
    part.host_offset += part.layout.strides[d] * Dim(phases[i].position * ir::byte_size(part.type));
    part.shape[d] = ir::ceildiv(part.shape[d] - Dim(phases[i].position), Dim(strides[i]));
    part.layout.strides[d] *= Dim(strides[i]);
  }
  draft.tensors.push_back(std::move(part));
  return static_cast<int>(draft.tensors.size()) - 1;
}

int add_constant(Draft& draft, const std::string& name, ir::Tensor contents) {
  DraftTensor tensor;
  tensor.home = DraftTensor::Home::constant;
  tensor.type = contents.type();
  tensor.name = name;
  for (const int64_t dim : contents.dims()) tensor.shape.emplace_back(dim);
  tensor.layout = dense_layout(tensor.shape);
  tensor.contents = std::move(contents);
  draft.tensors.push_back(std::move(tensor));
  return static_cast<int>(draft.tensors.size()) - 1;
}

Operation phase_operation(Draft& draft, const Operation& operation, const std::vector<Phase>& phases) {
  const ConvolutionOp& whole = *operation.as<ConvolutionOp>();
  const std::vector<int64_t>& strides = whole.attributes.strides;
  ConvolutionOp part = whole;
  part.attributes.transposed = false;
  part.attributes.strides.assign(phases.size(), 1);
  for (std::size_t i = 0; i < phases.size(); ++i) part.attributes.pads_begin[i] = phases[i].leading;

  part.w = add_constant(draft, draft.at(whole.w).name,
                        phase_weights(draft.at(whole.w).contents, phases, strides, whole.attributes.group));

  part.out = phase_of(draft, whole.out, phases, strides);
  for (std::size_t i = 0; i < part.epilogue_tensors.size(); ++i) {
    if (part.epilogue.operands[i].access != EpilogueOperand::Access::same) continue;
    part.epilogue_tensors[i] = phase_of(draft, part.epilogue_tensors[i], phases, strides);
  }
  return Operation{std::move(part), operation.origin, operation.failure};
}

// Whether the phases of a row are neighbours in memory, and one convolution can do them: windows as wide as
// the stride that fill the row, pixels without gaps, and an epilogue whose columns can be repeated.
bool has_whole_rows(const Draft& draft, const ConvolutionOp& whole) {
  const ir::Convolution& attributes = whole.attributes;
  const DraftTensor &x = draft.at(whole.x), &w = draft.at(whole.w), &out = draft.at(whole.out);
  const int64_t stride = attributes.strides.back();
  if (attributes.group != 1 || !w.shape.back().is(stride) || !attributes.pads_begin.back().is(0) ||
      out.shape.back() != x.shape.back() * Dim(stride) || out.layout.strides.back() != w.shape[1]) {
    return false;
  }
  for (std::size_t i = 0; i < whole.epilogue_tensors.size(); ++i) {
    if (whole.epilogue.operands[i].access == EpilogueOperand::Access::column &&
        draft.at(whole.epilogue_tensors[i]).home != DraftTensor::Home::constant) {
      return false;
    }
  }
  return true;
}

// [c, m, .., stride] -> [stride * m, c, taps of the vertical phase in reverse, 1].
ir::Tensor row_weights(const ir::Tensor& w, const std::vector<Phase>& vertical, int64_t stride_h) {
  const int64_t c = w.dims()[0], m = w.dims()[1], stride = w.dims().back();
  const bool flat = vertical.empty();
  const int64_t kh = flat ? 1 : w.dims()[2], taps = flat ? 1 : vertical[0].taps;
  std::vector<int64_t> dims{stride * m, c};
  if (!flat) dims.push_back(taps);
  dims.push_back(1);
  ir::Tensor result(ir::DType::f32, dims);
  const float* from = w.data<float>();
  float* to = result.mutable_data<float>();
  for (int64_t phase = 0; phase < stride; ++phase) {
    for (int64_t mi = 0; mi < m; ++mi) {
      for (int64_t ci = 0; ci < c; ++ci) {
        for (int64_t tap = taps; tap-- > 0;) {
          const int64_t y = flat ? 0 : vertical[0].first + tap * stride_h;
          *to++ = from[((ci * m + mi) * kh + y) * stride + phase];
        }
      }
    }
  }
  return result;
}

// The positions of a vertical phase, all phases of a row as one pixel of so many times the channels.
int row_of(Draft& draft, int whole, const std::vector<Phase>& vertical, const std::vector<int64_t>& strides) {
  const Dim stride(strides.back());
  DraftTensor part = part_of(draft, whole, " rows");
  part.shape[1] *= stride;
  part.shape.back() = *part.shape.back().exact_div(stride);
  part.layout.strides[1] = 1;
  part.layout.strides.back() *= stride;
  for (const Phase& phase : vertical) {
    part.host_offset = part.layout.strides[2] * Dim(phase.position * ir::byte_size(part.type));
    part.shape[2] = ir::ceildiv(part.shape[2] - Dim(phase.position), Dim(strides[0]));
    part.layout.strides[2] *= Dim(strides[0]);
  }
  draft.tensors.push_back(std::move(part));
  return static_cast<int>(draft.tensors.size()) - 1;
}

int repeated(Draft& draft, int column, int64_t times) {
  const DraftTensor& tensor = draft.at(column);
  const int64_t bytes = tensor.contents.count() * ir::byte_size(tensor.type);
  ir::Tensor contents(tensor.type, {tensor.contents.count() * times});
  for (int64_t i = 0; i < times; ++i)
    std::memcpy(contents.mutable_bytes() + i * bytes, tensor.contents.bytes(),
                static_cast<std::size_t>(bytes));
  return add_constant(draft, tensor.name, std::move(contents));
}

// `vertical`: none of one dimension.
Operation row_operation(Draft& draft, const Operation& operation, const std::vector<Phase>& vertical) {
  const ConvolutionOp& whole = *operation.as<ConvolutionOp>();
  const std::vector<int64_t> strides = whole.attributes.strides;
  ConvolutionOp part = whole;
  part.attributes.transposed = false;
  part.attributes.strides.assign(strides.size(), 1);
  for (const Phase& phase : vertical) part.attributes.pads_begin[0] = phase.leading;
  part.w = add_constant(draft, draft.at(whole.w).name,
                        row_weights(draft.at(whole.w).contents, vertical, strides[0]));
  part.out = row_of(draft, whole.out, vertical, strides);
  for (std::size_t i = 0; i < part.epilogue_tensors.size(); ++i) {
    int& tensor = part.epilogue_tensors[i];
    switch (part.epilogue.operands[i].access) {
      case EpilogueOperand::Access::same:
        tensor = row_of(draft, tensor, vertical, strides);
        break;
      case EpilogueOperand::Access::column:
        tensor = repeated(draft, tensor, strides.back());
        break;
      case EpilogueOperand::Access::scalar:
        break;
    }
  }
  return Operation{std::move(part), operation.origin, operation.failure};
}

void split(Draft& draft, Block& block) {
  Block result;
  for (Operation& operation : block) {
    for (Block* inner : blocks_of(operation)) split(draft, *inner);
    const ConvolutionOp* convolution = operation.as<ConvolutionOp>();
    if (convolution == nullptr || !convolution->attributes.transposed || !has_kernel(draft, *convolution)) {
      result.push_back(std::move(operation));
      continue;
    }
    const ir::Convolution& attributes = convolution->attributes;
    const ir::Shape window = draft.at(convolution->w).shape;  // a copy: tensors are added below
    const auto phases = [&](std::size_t i) {
      std::vector<Phase> list;
      for (int64_t p = 0; p < attributes.strides[i]; ++p) {
        list.emplace_back(p, attributes.strides[i], attributes.pads_begin[i].value(), window[i + 2].value());
      }
      return list;
    };
    if (has_whole_rows(draft, *convolution)) {
      if (attributes.strides.size() == 1) {
        result.push_back(row_operation(draft, operation, {}));
      } else {
        for (const Phase& phase : phases(0)) result.push_back(row_operation(draft, operation, {phase}));
      }
      continue;
    }
    for (const Phase& first : phases(0)) {
      if (attributes.strides.size() == 1) {
        result.push_back(phase_operation(draft, operation, {first}));
        continue;
      }
      for (const Phase& second : phases(1))
        result.push_back(phase_operation(draft, operation, {first, second}));
    }
  }
  block = std::move(result);
}

}  // namespace

void split_transposed_convolutions(Draft& draft) { split(draft, draft.block); }

}  // namespace o2w::schedule
