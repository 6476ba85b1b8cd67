#include <fmt/core.h>

#include "compiler/passes/common_subexpressions.h"
#include "compiler/passes/dead_code.h"
#include "compiler/passes/delay_concats.h"
#include "compiler/passes/eliminate_transposes.h"
#include "compiler/passes/eliminate_views.h"
#include "compiler/passes/fold_batch_norm.h"
#include "compiler/passes/fold_constants.h"
#include "compiler/passes/fold_input_scales.h"
#include "compiler/passes/fold_pads.h"
#include "compiler/passes/pass.h"
#include "compiler/passes/separate_windows.h"
#include "compiler/passes/skip_inserted_zeros.h"

namespace o2w::passes {
namespace {

struct Pass {
  const char* name;
  void (*run)(ir::Graph&);
  int level;  // the lowest -O level that runs it
};

// Order: cheap clean-ups first, so that the others see one form of everything; dead nodes last.
constexpr Pass kPasses[] = {
    {"dead-code", remove_dead_code, 0},
    {"delay-concats", delay_concats, 1},
    {"fold-constants", fold_constants, 1},
    {"fold-batch-norm", fold_batch_norm, 1},
    {"fold-input-scales", fold_input_scales, 1},
    {"eliminate-views", eliminate_views, 1},
    {"eliminate-transposes", eliminate_transposes, 1},
    {"fold-pads", fold_pads, 1},
    {"skip-inserted-zeros", skip_inserted_zeros, 1},
    {"separate-windows", separate_windows, 1},
    {"common-subexpressions", merge_common_subexpressions, 1},
    {"dead-code", remove_dead_code, 0},
};

}  // namespace

void run_passes(ir::Graph& graph, const PassOptions& options,
                const std::function<void(const std::string&, const ir::Graph&)>& after) {
  int number = 0;
  for (const Pass& pass : kPasses) {
    if (options.level < pass.level) continue;
    pass.run(graph);
    if (after) after(fmt::format("pass-{:02}-{}", ++number, pass.name), graph);
  }
}

}  // namespace o2w::passes
