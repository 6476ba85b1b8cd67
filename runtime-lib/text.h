// The text of the last failure, built piece by piece in a fixed buffer; what does not fit is left out.
#pragma once

#include <stdint.h>

#include "runtime-lib/model_abi.h"

namespace o2w::runtime {

class ErrorText {
 public:
  ErrorText();  // starts a new text
  ErrorText& operator<<(const char* text);
  ErrorText& operator<<(int64_t number);
  ErrorText& operator<<(uint64_t number);
  ErrorText& operator<<(int32_t number) { return *this << int64_t{number}; }
  ErrorText& operator<<(uint32_t number) { return *this << uint64_t{number}; }
};

const char* last_error();
// Puts `prefix: `, or `prefix "name": `, before the last failure's text.
void prefix_error(const char* prefix, const char* name = nullptr);
// Message `number` of the model, until the next call; null if there is none.
const char* message(uint32_t number);
// "f32", "i64", ... of an ONNX TensorProto.DataType.
const char* dtype_name(uint32_t onnx_code);

}  // namespace o2w::runtime
