#include "compiler/schedule/schedule.h"

#include "compiler/schedule/draft.h"
#include "compiler/schedule/fusion.h"
#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/storage.h"
#include "compiler/support/error.h"

namespace o2w::schedule {

Result<Program> make_program(const ir::Graph& graph, const ScheduleOptions& options,
                             Diagnostics& diagnostics) {
  const auto dump = [&](const char* step, const auto& product) {
    if (options.dump) options.dump(step, to_text(product));
  };
  try {
    Draft draft = draft_of(graph);
    dump("draft", draft);
    if (options.level >= 1) {
      literal_scalars(draft);
      dump("literal-scalars", draft);
      inline_elementwise(draft);
      dump("inline-elementwise", draft);
      absorb_transposes(draft);
      dump("absorb-transposes", draft);
      fuse_epilogues(draft);
      dump("fuse-epilogues", draft);
      fuse_rows(draft);
      dump("fuse-rows", draft);
      assign_layouts(draft);
      dump("assign-layouts", draft);
      slices_as_views(draft);
      dump("slices-as-views", draft);
      place_parts(draft);
      dump("place-parts", draft);
      split_transposed_convolutions(draft);
      dump("split-transposed-convolutions", draft);
      block_attention(draft);
      dump("block-attention", draft);
      choose_kernels(draft, {.exact = options.exact, .choices = options.kernels});
      dump("choose-kernels", draft);
    }
    contractions_to_nests(draft);
    if (options.level >= 1) {
      hoist_constants(draft);
      dump("hoist-constants", draft);
      compute_in_place(draft);
      dump("compute-in-place", draft);
      tabulate_positions(draft);
      dump("tabulate-positions", draft);
      split_edges(draft);
      dump("split-edges", draft);
    }
    Program program = emit(draft);
    plan_arena(program);
    return program;
  } catch (const ModelError& error) {
    diagnostics.error({}, error.what());
    return std::nullopt;
  }
}

}  // namespace o2w::schedule
