// Strings while a model runs. A string is bytes somewhere in memory, interned: of all equal strings of a run
// (and of the model's constants) there is one, so that equal strings are equal as 64 bits and generated code
// can move and compare them without knowing what they are. The empty string is {0, 0}.
//
// Interned bytes live in the model's data or in the run's region: until the next run begins.
#pragma once

#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"

namespace o2w::runtime {

using String = abi::String;

inline String* strings_of(const abi::TensorArg& tensor) { return at<String>(tensor.data); }
inline const char* bytes_of(const String& text) { return at<const char>(text.address); }

// False, with the last error set, when memory is exhausted.
bool intern(const char* bytes, uint64_t length, String& result);

// Bytes put together piece by piece; memory is reused from text to text.
class TextBuffer {
 public:
  TextBuffer() = default;
  ~TextBuffer();
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

  void clear() { length_ = 0; }
  // False, with the last error set, when memory is exhausted.
  bool append(const char* bytes, uint64_t length);
  bool append(char byte) { return append(&byte, 1); }
  bool intern(String& result) const { return runtime::intern(at<const char>(address_), length_, result); }

 private:
  uint32_t address_ = 0;
  uint64_t length_ = 0, capacity_ = 0;
};

}  // namespace o2w::runtime
