#pragma once

#include "frontends/onnx/ops/recurrent/recurrence.h"

namespace o2w::onnx_frontend {

// LSTM with float weights (`products` null) or with others.
void lower_lstm(Lowering& l, RecurrentProducts* products);

}  // namespace o2w::onnx_frontend
