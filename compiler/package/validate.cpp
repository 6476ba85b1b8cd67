#include "compiler/package/validate.h"

#include <wabt/binary-reader-ir.h>
#include <wabt/binary-reader.h>
#include <wabt/error-formatter.h>
#include <wabt/expr-visitor.h>
#include <wabt/ir.h>
#include <wabt/stream.h>
#include <wabt/validator.h>
#include <wabt/wat-writer.h>

#include "compiler/package/package.h"
#include "compiler/package/wasm_binary.h"
#include "compiler/support/error.h"

namespace o2w::package {

namespace {

wabt::Features features() {
  wabt::Features result;
  // On by default, but more than is to be asked of an engine.
  result.disable_multi_value();
  result.disable_reference_types();
  return result;
}

void parse(const std::vector<uint8_t>& wasm, wabt::Module& module, wabt::Errors& errors) {
  const bool read_names = true, stop_on_first_error = true, fail_on_custom_section_error = true;
  const wabt::ReadBinaryOptions options(features(), nullptr, read_names, stop_on_first_error,
                                        fail_on_custom_section_error);
  if (wabt::Failed(wabt::ReadBinaryIr("module", wasm.data(), wasm.size(), options, &errors, &module))) {
    fail_internal("the module cannot be read back: {}",
                  wabt::FormatErrorsToString(errors, wabt::Location::Type::Binary));
  }
}

// The module with its large data cut out, and what was cut.
std::vector<uint8_t> without_large_data(const std::vector<uint8_t>& wasm, uint64_t& left_out) {
  constexpr std::size_t kLarge = 1 << 20;
  std::vector<uint8_t> out(wasm.begin(), wasm.begin() + 8);
  left_out = 0;
  for (const Section& section : read_sections(wasm)) {
    if (section.id == SectionId::data && section.contents.size() > kLarge) {
      left_out = section.contents.size();
      continue;
    }
    if (section.id == SectionId::custom) {
      if (section.name == "name") append_custom_section(out, section.name, section.contents);
      continue;
    }
    append_section(out, section.id, section.contents);
  }
  return out;
}

class Calls : public wabt::ExprVisitor::DelegateNop {
 public:
  Calls(const wabt::Module& module, std::set<uint32_t>& called) : module_(module), called_(called) {}
  wabt::Result OnCallExpr(wabt::CallExpr* call) override {
    called_.insert(module_.GetFuncIndex(call->var));
    return wabt::Result::Ok;
  }

 private:
  const wabt::Module& module_;
  std::set<uint32_t>& called_;
};

}  // namespace

std::map<uint32_t, std::set<uint32_t>> call_graph(const std::vector<uint8_t>& wasm) {
  wabt::Module module;
  wabt::Errors errors;
  parse(wasm, module, errors);
  std::map<uint32_t, std::set<uint32_t>> calls;
  for (std::size_t index = 0; index < module.funcs.size(); ++index) {
    Calls visit(module, calls[static_cast<uint32_t>(index)]);
    wabt::ExprVisitor visitor(&visit);
    visitor.VisitFunc(module.funcs[index]);
  }
  return calls;
}

void validate_module(const std::vector<uint8_t>& wasm) {
  wabt::Module module;
  wabt::Errors errors;
  parse(wasm, module, errors);
  if (wabt::Failed(wabt::ValidateModule(&module, &errors, wabt::ValidateOptions(features())))) {
    fail_internal("the module is not valid: {}",
                  wabt::FormatErrorsToString(errors, wabt::Location::Type::Binary));
  }
}

std::string to_wat(const std::vector<uint8_t>& wasm) {
  wabt::Module module;
  wabt::Errors errors;
  uint64_t left_out = 0;
  parse(without_large_data(wasm, left_out), module, errors);
  wabt::MemoryStream stream;
  wabt::WriteWatOptions options;
  options.fold_exprs = true;
  if (wabt::Failed(wabt::WriteWat(&stream, &module, options)))
    fail_internal("the module cannot be written as text");
  const std::vector<uint8_t>& text = stream.output_buffer().data;
  std::string result;
  if (left_out > 0) result = ";; " + std::to_string(left_out) + " bytes of data (weights) left out\n";
  return result.append(reinterpret_cast<const char*>(text.data()), text.size());
}

}  // namespace o2w::package
