#include "compiler/package/package.h"

#include <binaryen-c.h>
#include <runtime_blob.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>

#include "compiler/codegen/codegen.h"
#include "compiler/package/metadata.h"
#include "compiler/package/model_tables.h"
#include "compiler/package/runtime_data.h"
#include "compiler/package/step_descriptions.h"
#include "compiler/package/unused_runtime.h"
#include "compiler/package/validate.h"
#include "compiler/package/wasm_binary.h"
#include "compiler/support/error.h"

namespace o2w::package {

namespace {

constexpr int64_t kPageBytes = 65536;
// Kernels load whole vectors at the ends of rows (program.h): memory goes on for this much behind the last
// buffer.
constexpr int64_t kReadAhead = 64;
// Engines take no larger modules (the limit of WebAssembly's JavaScript interface).
constexpr int64_t kMaxModuleBytes = int64_t{1} << 30;
// The last page stays out of reach, so that no end of an object is 2^32.
constexpr BinaryenIndex kMaxPages = 65535;

// What a finished module exports: name outside, function of the runtime library.
constexpr const char* kExports[][2] = {
    {"load", "o2w_nn_load"},
    {"load_by_name", "o2w_nn_load_by_name"},
    {"init_execution_context", "o2w_nn_init_execution_context"},
    {"set_input", "o2w_nn_set_input"},
    {"compute", "o2w_nn_compute"},
    {"get_output", "o2w_nn_get_output"},
    {"unload", "o2w_nn_unload"},
    {"finalize_execution_context", "o2w_nn_finalize_execution_context"},
    {"o2w_alloc", "o2w_alloc"},
    {"o2w_free", "o2w_free"},
    {"o2w_input_count", "o2w_input_count"},
    {"o2w_output_count", "o2w_output_count"},
    {"o2w_input", "o2w_input"},
    {"o2w_output", "o2w_output"},
    {"o2w_set_input_shape", "o2w_set_input_shape"},
    {"o2w_prepare", "o2w_prepare"},
    {"o2w_run", "o2w_run"},
    {"o2w_last_error", "o2w_last_error"},
};

// The same, of modules that have lists among their inputs and outputs.
constexpr const char* kListExports[][2] = {
    {"o2w_list_new", "o2w_list_new"},       {"o2w_list_free", "o2w_list_free"},
    {"o2w_list_append", "o2w_list_append"}, {"o2w_list_append_list", "o2w_list_append_list"},
    {"o2w_list_length", "o2w_list_length"}, {"o2w_list_element", "o2w_list_element"},
};

// The same, of modules whose weights lie beside them.
constexpr const char* kSidecarExports[][2] = {
    {"o2w_weights", "o2w_weights"},
    {"o2w_weights_commit", "o2w_weights_commit"},
};

bool has_list_ports(const schedule::Program& program) {
  const auto is_list = [](const schedule::ProgramPort& port) {
    return port.list && port.list->kind != ir::ListType::Kind::tensor;
  };
  return std::any_of(program.inputs.begin(), program.inputs.end(), is_list) ||
         std::any_of(program.outputs.begin(), program.outputs.end(), is_list);
}

struct ModuleDeleter {
  void operator()(BinaryenModuleRef module) const { BinaryenModuleDispose(module); }
};
using ModulePointer = std::unique_ptr<std::remove_pointer_t<BinaryenModuleRef>, ModuleDeleter>;

// The runtime library, freed of its exports and hooks.
struct Runtime {
  ModulePointer module;
  std::map<std::string, uint32_t> functions;  // their indices
  int64_t model_address = 0;                  // of the variable o2w_model
  int64_t end = 0;                            // of its memory
};

int64_t exported_constant(BinaryenModuleRef module, const char* name) {
  const BinaryenExportRef exported = BinaryenGetExport(module, name);
  ensure(exported != nullptr, "the runtime library lacks a constant");
  const BinaryenGlobalRef global = BinaryenGetGlobal(module, BinaryenExportGetValue(exported));
  ensure(global != nullptr, "a constant of the runtime library is no global");
  return static_cast<uint32_t>(BinaryenConstGetValueI32(BinaryenGlobalGetInitExpr(global)));
}

std::span<const uint8_t> runtime_blob() {
  return {o2w_runtime_blob_begin, static_cast<std::size_t>(o2w_runtime_blob_end - o2w_runtime_blob_begin)};
}

Runtime read_runtime() {
  Runtime runtime;
  // Symbols and relocations are not for Binaryen, which takes a mutable pointer but only reads.
  std::vector<uint8_t> blob = without_linking(runtime_blob());
  runtime.module.reset(BinaryenModuleRead(reinterpret_cast<char*>(blob.data()), blob.size()));
  const BinaryenModuleRef module = runtime.module.get();
  BinaryenModuleSetFeatures(module, BinaryenFeatureMutableGlobals() | BinaryenFeatureSignExt() |
                                        BinaryenFeatureBulkMemory() | BinaryenFeatureNontrappingFPToInt() |
                                        BinaryenFeatureSIMD128());
  for (BinaryenIndex i = 0; i < BinaryenGetNumFunctions(module); ++i) {
    runtime.functions[BinaryenFunctionGetName(BinaryenGetFunctionByIndex(module, i))] = i;
  }
  runtime.model_address = exported_constant(module, "o2w_model");
  runtime.end = exported_constant(module, "__heap_base");
  std::vector<std::string> exports;
  for (BinaryenIndex i = 0; i < BinaryenGetNumExports(module); ++i) {
    exports.emplace_back(BinaryenExportGetName(BinaryenGetExportByIndex(module, i)));
  }
  for (const std::string& name : exports) BinaryenRemoveExport(module, name.c_str());
  BinaryenRemoveFunction(module, "o2w_model_prepare");
  BinaryenRemoveFunction(module, "o2w_model_run");
  BinaryenRemoveFunction(module, "o2w_nn_strings");
  return runtime;
}

// The data of the runtime library that its functions which are left in the module use, or copies of them.
std::vector<DataSegment> runtime_data(const Runtime& runtime, const std::set<std::string>& copied) {
  std::set<uint32_t> left;
  for (const auto& [name, index] : runtime.functions) {
    if (copied.contains(name) || BinaryenGetFunction(runtime.module.get(), name.c_str()) != nullptr) {
      left.insert(index);
    }
  }
  return RuntimeData(runtime_blob()).used_by(left);
}

std::set<std::string> generated_functions(const Runtime& runtime) {
  const BinaryenModuleRef module = runtime.module.get();
  std::set<std::string> names;
  for (BinaryenIndex i = 0; i < BinaryenGetNumFunctions(module); ++i) {
    const std::string name = BinaryenFunctionGetName(BinaryenGetFunctionByIndex(module, i));
    if (!runtime.functions.contains(name)) names.insert(name);
  }
  return names;
}

// Optimises the generated functions, one by one: those of the runtime library were optimised when it was
// built, and inlining across functions would make one giant function of a model, on which the passes take
// minutes and gigabytes and which engines do not tier up.
void optimise(const Runtime& runtime, int level, bool small) {
  const BinaryenModuleRef module = runtime.module.get();
  BinaryenSetDebugInfo(true);  // names are dropped when the file is put together, if wanted
  BinaryenSetShrinkLevel(small ? 2 : 0);
  BinaryenSetOptimizeLevel(level);
  const char* passes[] = {"remove-unused-module-elements"};
  BinaryenModuleRunPasses(module, passes, 1);
  if (level == 0) return;
  // Kernels whose keys differ (by sizes that only their callers use, by the nodes that they are for) may
  // still come out alike.
  const char* merging[] = {"duplicate-function-elimination"};
  BinaryenModuleRunPasses(module, merging, 1);
  for (const std::string& name : generated_functions(runtime)) {
    BinaryenFunctionOptimize(BinaryenGetFunction(module, name.c_str()), module);
  }
  // The compiler of the runtime library leaves some 4 % of what is there. Vector functions and routines are
  // to be quick.
  BinaryenSetShrinkLevel(2);
  for (const auto& [name, index] : runtime.functions) {
    const BinaryenFunctionRef function = BinaryenGetFunction(module, name.c_str());
    if (function == nullptr) continue;
    const bool is_hot =
        BinaryenFunctionGetResults(function) == BinaryenTypeVec128() || name.starts_with("o2w_routine_");
    if (small || !is_hot) BinaryenFunctionOptimize(function, module);
  }
  BinaryenSetShrinkLevel(small ? 2 : 0);
  // And those that differ in numbers only (a limit of an activation, the one bias of a layer with one output)
  // become one with these as parameters.
  const char* similar[] = {"merge-similar-functions", "duplicate-function-elimination"};
  BinaryenModuleRunPasses(module, similar, 2);
}

std::vector<uint8_t> write_code(BinaryenModuleRef module) {
  const BinaryenModuleAllocateAndWriteResult written = BinaryenModuleAllocateAndWrite(module, nullptr);
  const auto* bytes = static_cast<const uint8_t*>(written.binary);
  std::vector<uint8_t> code(bytes, bytes + written.binaryBytes);
  std::free(written.binary);
  std::free(written.sourceMap);
  return code;
}

int64_t bytes_in(const DataSegment& segment) {
  const DataSegment::Part& last = segment.parts.back();
  return last.address + static_cast<int64_t>(last.bytes.size()) - segment.parts.front().address;
}

// What a module is made of; the data are those of the runtime library, the model's descriptor and tables, and
// the weights.
std::vector<SizeReport::Part> module_parts(const std::vector<uint8_t>& code,
                                           const std::vector<DataSegment>& data,
                                           const std::vector<CustomSection>& custom, int64_t module_bytes,
                                           const MemoryLayout& layout, bool sidecar) {
  int64_t functions = 0, declarations = 0, runtime = 0, metadata = 0;
  for (const Section& section : read_sections(code)) {
    const auto bytes = static_cast<int64_t>(section.contents.size());
    if (section.id == SectionId::code) {
      functions += bytes;
    } else if (section.id != SectionId::custom && section.id != SectionId::data &&
               section.id != SectionId::data_count) {
      declarations += bytes;
    }
  }
  const auto tables = static_cast<int64_t>(layout.tables.size() + sizeof layout.descriptor);
  const int64_t weights = sidecar || layout.weights.empty() ? 0 : bytes_in(data.back());
  for (const DataSegment& segment : data) runtime += bytes_in(segment);
  runtime -= tables + weights;
  for (const CustomSection& section : custom) metadata += static_cast<int64_t>(section.contents.size());
  const int64_t rest = module_bytes - functions - declarations - runtime - tables - weights - metadata;
  return {{"functions", functions},
          {"types, exports and other declarations", declarations},
          {"constant data of the runtime library", runtime},
          {"tables of the model: ports, sizes, messages", tables},
          {"weights", weights},
          {"metadata", metadata},
          {"headers of sections and segments", rest}};
}

template <typename T>
std::span<const uint8_t> bytes_of(const T* data, std::size_t count) {
  return {reinterpret_cast<const uint8_t*>(data), count * sizeof(T)};
}

}  // namespace

static Package build(const schedule::Program& program, const PackageOptions& options) {
  const Runtime runtime = read_runtime();
  const BinaryenModuleRef module = runtime.module.get();
  codegen::CodeGenerator generator(module, program, options.target);
  MemoryLayout layout = lay_out(program, runtime.end, generator.needs(), !options.weights_name.empty());
  Package package;
  const bool sidecar = layout.sidecar_bytes.size() > 0;
  if (sidecar)
    package.weights = weights_files(layout.sidecar_bytes, options.weights_name, options.weights_part);
  generator.emit(layout.map);
  put_steps(layout, generator.step_bytes(), generator.step_constants());
  std::string steps;
  if (options.profile) {
    const std::vector<codegen::StepFunction> functions = generator.emit_step_functions();
    for (const codegen::StepFunction& function : functions) {
      BinaryenAddFunctionExport(module, function.name.c_str(), function.name.c_str());
    }
    steps = steps_json(program, functions);
  }

  const int64_t max_pages =
      options.max_memory > 0 ? std::min<int64_t>(options.max_memory / kPageBytes, kMaxPages) : kMaxPages;
  const int64_t needed = (layout.heap_start + layout.reserve + kReadAhead + kPageBytes - 1) / kPageBytes;
  if (options.max_memory > 0) {
    if (needed > max_pages) {
      fail_model(
          "the model needs {} bytes of memory before its first run (weights {}); --max-memory allows {}. "
          "Allow more, or "
          "compile for smaller shapes",
          needed * kPageBytes, layout.weight_bytes, options.max_memory);
    }
    layout.descriptor.max_pages = static_cast<uint32_t>(max_pages);
  }
  const int64_t pages = std::min(needed, max_pages);
  // Keeps the runtime library's data.
  BinaryenSetMemory(module, static_cast<BinaryenIndex>(pages), static_cast<BinaryenIndex>(max_pages),
                    "memory", nullptr, nullptr, nullptr, nullptr, 0, false);
  for (const auto& [outside, inside] : kExports) BinaryenAddFunctionExport(module, inside, outside);
  if (has_list_ports(program)) {
    for (const auto& [outside, inside] : kListExports) BinaryenAddFunctionExport(module, inside, outside);
  }
  if (sidecar) {
    for (const auto& [outside, inside] : kSidecarExports) BinaryenAddFunctionExport(module, inside, outside);
  }
  empty_unused_functions(module, program);
  optimise(runtime, options.level, options.target.small);
  generator.functions_were_merged();
  const std::vector<uint8_t> code = write_code(module);

  std::vector<DataSegment> data = runtime_data(runtime, generator.copied_functions());
  data.push_back({{{runtime.model_address, bytes_of(&layout.descriptor, 1)}}});
  data.push_back({{{layout.tables_address, bytes_of(layout.tables.data(), layout.tables.size())}}});
  const std::string metadata =
      metadata_json(program, options.version, layout.weight_bytes, layout.sidecar, package.weights);
  std::vector<CustomSection> custom = {{kMetadataSection, metadata}};
  if (options.profile) custom.push_back({kStepsSection, steps});
  // Weights cannot make a module invalid, so they need not go through the validator.
  validate_module(assemble(code, data, custom, options.keep_names).joined());

  if (!layout.weights.empty() && !sidecar) {
    DataSegment& weights = data.emplace_back();
    for (const MemoryLayout::Weights& part : layout.weights) {
      const ir::Tensor& tensor = *part.tensor;
      weights.parts.push_back(
          {part.address, {tensor.bytes(), static_cast<std::size_t>(tensor.byte_count())}, &tensor});
    }
  }
  package.wasm = assemble(code, data, custom, options.keep_names);
  if (package.wasm.size() > kMaxModuleBytes) {
    fail_model(
        "the module would take {} MiB, {} of them weights; engines take modules of up to {} MiB. Compile "
        "with "
        "--weights=sidecar, which puts the weights into files beside the module",
        package.wasm.size() >> 20, layout.weight_bytes >> 20, kMaxModuleBytes >> 20);
  }
  if (options.report_sizes) {
    package.sizes = make_size_report(
        program, code, [&](const schedule::Call& call) { return generator.function_of(call); },
        generated_functions(runtime));
    package.sizes.parts = module_parts(code, data, custom, package.wasm.size(), layout, sidecar);
  }
  package.loader_features = loader_features(program);
  package.weight_bytes = layout.weight_bytes;
  package.memory_bytes = pages * kPageBytes;
  package.code_bytes = package.wasm.size() - (sidecar ? 0 : layout.weight_bytes);
  return package;
}

Result<Package> make_package(const schedule::Program& program, const PackageOptions& options,
                             Diagnostics& diagnostics) {
  try {
    return build(program, options);
  } catch (const ModelError& error) {
    diagnostics.error({}, error.what());
    return std::nullopt;
  }
}

}  // namespace o2w::package
