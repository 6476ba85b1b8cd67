// The routines on strings. Texts are taken apart and numbers read by the very code of the runtime library;
// what is done here is what differs: tensors that hold handles of the process's own strings.
#include <algorithm>
#include <map>
#include <string>

#include "compiler/eval/routines.h"
#include "compiler/ir/string_pool.h"
#include "compiler/support/error.h"
#include "runtime-lib/key_table.h"
#include "runtime-lib/letter_case.h"
#include "runtime-lib/ngrams.h"
#include "runtime-lib/number_text.h"
#include "runtime-lib/regex_run.h"
#include "runtime-lib/split_text.h"
#include "runtime-lib/utf8.h"

namespace o2w::eval {
namespace {

using ir::DType;
using ir::Tensor;

Tensor new_output(const RoutineCall& call, std::size_t i = 0) {
  return {call.output_types.at(i), call.output_sizes.at(i)};
}

const RegisterRoutine from_number("string_from_number", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& x = *call.inputs.at(0);
  Tensor y = new_output(call);
  for (int64_t i = 0; i < x.count(); ++i) {
    NumberWriter writer;
    if (x.type() == DType::f64) {
      writer.put(x.data<double>()[i], static_cast<int>(call.integer(0)));
    } else if (x.type() == DType::u64) {
      writer.put(x.data<uint64_t>()[i]);
    } else {
      writer.put(x.data<int64_t>()[i]);
    }
    y.set_string(i, {writer.text(), static_cast<std::size_t>(writer.length())});
  }
  return {y};
});

const RegisterRoutine to_number("number_from_string", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& x = *call.inputs.at(0);
  Tensor y = new_output(call);
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string& text = x.string_at(i);
    NumberReader reader(text.data(), text.size());
    const bool good = y.type() == DType::f64   ? reader.read(y.mutable_data<double>()[i])
                      : y.type() == DType::u64 ? reader.read(y.mutable_data<uint64_t>()[i])
                                               : reader.read(y.mutable_data<int64_t>()[i]);
    if (!good) {
      fail_model("element {} of a string tensor cannot be read as a number of {}", i,
                 y.type() == DType::f64 ? "floating point" : "64 bits");
    }
  }
  return {y};
});

const RegisterRoutine concat("string_concat", [](const RoutineCall& call) -> std::vector<Tensor> {
  Tensor y = new_output(call);
  for (int64_t i = 0; i < y.count(); ++i) {
    y.set_string(i, call.inputs.at(0)->string_at(i) + call.inputs.at(1)->string_at(i));
  }
  return {y};
});

// Calls `part(i, number, text)` for all parts of all elements.
template <typename Part>
void split_all(const RoutineCall& call, Part&& part) {
  const Tensor& x = *call.inputs.at(0);
  const std::string& delimiter = call.inputs.at(1)->string_at(0);
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string& text = x.string_at(i);
    int64_t number = 0;
    split_text(
        text.data(), text.size(), delimiter.data(), delimiter.size(), call.integer(0),
        [&](const char* begin, uint64_t length) { part(i, number++, std::string_view(begin, length)); });
  }
}

const RegisterRoutine split_count("string_split_count", [](const RoutineCall& call) -> std::vector<Tensor> {
  Tensor y = new_output(call);
  split_all(call, [&](int64_t i, int64_t number, std::string_view) { y.set_int(i, number + 1); });
  return {y};
});

const RegisterRoutine split("string_split", [](const RoutineCall& call) -> std::vector<Tensor> {
  Tensor y = new_output(call);
  const int64_t width = y.dims().back();
  split_all(call, [&](int64_t i, int64_t number, std::string_view text) {
    if (number < width) y.set_string(i * width + number, text);
  });
  return {y};
});

const RegisterRoutine letter_case("string_case", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& x = *call.inputs.at(0);
  const Tensor& ranges = *call.inputs.at(1);
  Tensor y = new_output(call);
  for (int64_t i = 0; i < x.count(); ++i) {
    const std::string& text = x.string_at(i);
    std::string changed;
    const char* from = text.data();
    const char* end = from + text.size();
    while (from < end) {
      const int32_t code = decode_utf8(from, end);
      if (code < 0) fail_model("element {} of a string tensor is no valid UTF-8", i);
      char bytes[4];
      const int length = encode_utf8(
          mapped_case(ranges.data<CaseRange>(), static_cast<uint64_t>(ranges.dims().at(0)), code), bytes);
      changed.append(bytes, static_cast<std::size_t>(length));
    }
    y.set_string(i, changed);
  }
  return {y};
});

const RegisterRoutine rank("string_rank", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& x = *call.inputs.at(0);
  std::map<std::string, int64_t> ranks;
  for (int64_t i = 0; i < x.count(); ++i) ranks.emplace(x.string_at(i), 0);
  int64_t next = 0;
  for (auto& [text, number] : ranks) number = next++;
  Tensor y = new_output(call);
  for (int64_t i = 0; i < x.count(); ++i) y.set_int(i, ranks.at(x.string_at(i)));
  return {y};
});

std::vector<Tensor> find(const RoutineCall& call, uint32_t (*hash)(uint64_t)) {
  const Tensor& x = *call.inputs.at(0);
  const auto* keys = call.inputs.at(1)->data<uint64_t>();
  const Tensor& slots = *call.inputs.at(2);
  Tensor y = new_output(call);
  for (int64_t i = 0; i < x.count(); ++i) {
    const uint64_t key = x.data<uint64_t>()[i];
    y.set_int(i, find_key(slots.data<int32_t>(), static_cast<uint32_t>(slots.count()), hash(key),
                          [&](int32_t number) { return keys[number] == key; }));
  }
  return {y};
}

const RegisterRoutine find_string("find_string", [](const RoutineCall& call) {
  return find(call, [](uint64_t handle) {
    const std::string& text = ir::string_of(handle);
    return string_hash(text.data(), text.size());
  });
});

const RegisterRoutine find_number("find_number",
                                  [](const RoutineCall& call) { return find(call, key_hash); });

const RegisterRoutine ngrams("count_ngrams", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& tokens = *call.inputs.at(0);
  Tensor y = new_output(call);
  const int64_t rows = tokens.dims().at(0), row = tokens.dims().at(1), columns = y.dims().at(1);
  for (int64_t r = 0; r < rows; ++r) {
    count_ngrams(call.inputs.at(1)->data<NgramNode>(), call.inputs.at(2)->data<NgramEdge>(),
                 tokens.data<int64_t>() + r * row, static_cast<uint64_t>(row), call.integer(0),
                 call.integer(1), call.integer(2), y.mutable_data<float>() + r * columns);
  }
  return {y};
});

// Calls `matches(text)` for all elements.
template <typename Matches>
Tensor match_all(const RoutineCall& call, Matches&& matches) {
  const Tensor& x = *call.inputs.at(0);
  Tensor y = new_output(call);
  for (int64_t i = 0; i < x.count(); ++i) y.set_int(i, matches(x.string_at(i)));
  return y;
}

const RegisterRoutine match_table("match_table", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& table = *call.inputs.at(2);
  return {match_all(call, [&](const std::string& text) {
    return regex::matches(call.inputs.at(1)->data<uint8_t>(), table.data<uint16_t>(),
                          static_cast<uint32_t>(table.dims().at(1)), call.inputs.at(3)->data<uint8_t>(),
                          text.data(), text.size());
  })};
});

const RegisterRoutine match_program("match_program", [](const RoutineCall& call) -> std::vector<Tensor> {
  const Tensor& program = *call.inputs.at(1);
  std::vector<int32_t> space(static_cast<std::size_t>(5 * program.dims().at(0)));
  return {match_all(call, [&](const std::string& text) {
    return regex::matches(program.data<regex::Instruction>(), static_cast<int32_t>(program.dims().at(0)),
                          static_cast<int32_t>(call.integer(0)), text.data(), text.size(), space.data());
  })};
});

}  // namespace
}  // namespace o2w::eval
