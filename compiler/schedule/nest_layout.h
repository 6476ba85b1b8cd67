// What the order of axes in memory means to a loop nest.
#pragma once

#include "compiler/schedule/draft.h"

namespace o2w::schedule {

// The loop variable that alone, with coefficient 1, moves an index; -1 if there is no such.
int lone_variable(const ir::Expr& index);

// Stores happen at the outer loops alone, so that these may be reordered freely; null if not so. The stage
// that stores.
const Stage* reorderable_store(const LoopNest& nest);

// Calls visit(read) for every read whose channels (dimension 1) run with those of the stored tensor, of the
// same rank.
void for_each_channel_read(const Draft& draft, const NestOp& nest, const Stage& store,
                           const std::function<void(const ir::ExprNode&)>& visit);

// Whether a nest can go over channels, but not over the last axis, in vectors: windows that move by more than
// one element or that reach over the edge, elements taken from computed positions (pools, resizes, sampling
// on a grid). That it reads an element several times or of several places is what pays for transposes on the
// way there and back.
bool wants_channels_last(const Draft& draft, const NestOp& nest);

// Whether a nest stores channels-last what it takes from windows that overlap: each element is read several
// times, which is worth having them channels-last as well.
bool stores_windows_channels_last(const Draft& draft, const NestOp& nest);

}  // namespace o2w::schedule
