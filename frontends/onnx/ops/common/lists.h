// Sequences and optionals as values of the IR (compiler/ir/list_type.h).
#pragma once

#include <vector>

#include "compiler/ir/builder.h"
#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// The type that a model declares; ModelError for what no list can hold. The rank of its elements is known
// where a shape is declared; sizes are not taken from there.
ir::ListType list_type_of(const TypeDef& type);

// The same type with these known elements, and without any.
ir::ListType with_items(const ir::ListType& type, std::vector<ir::Value*> items);
ir::ListType without_items(const ir::ListType& type);

// A list without elements.
ir::Value* empty_list(ir::Builder& b, ir::ListType type);
ir::Value* list_of(ir::Builder& b, ir::ListType::Kind kind, const std::vector<ir::Value*>& items);
// The result of a list routine, a list of this type.
ir::Value* list_routine(ir::Builder& b, ir::Opaque attributes, std::vector<ir::Value*> inputs,
                        ir::ListType type);
// The number of elements, a scalar i64.
ir::Value* list_length(ir::Builder& b, ir::Value* list);
// The element at a position (a scalar integer, counted from the end where negative): a tensor or a list.
// ModelError where its rank is not known.
ir::Value* list_element(ir::Builder& b, ir::Value* list, ir::Value* position);
// The one element of an optional.
ir::Value* optional_element(ir::Builder& b, ir::Value* optional);

// A sequence; from an optional that holds one, which must then be there when the model runs, its element.
ir::Value* sequence_input(Lowering& lowering, int i);
// Wraps a value into an optional, or takes it out of one, where only that makes it of the same kind as what
// `like` is a type of (null: a tensor).
ir::Value* adapted(ir::Builder& b, ir::Value* value, const ir::ListType* like);

// Of a sequence: its elements' rank; ModelError that says how to make it known.
int known_element_rank(const ir::Value* list);

}  // namespace o2w::onnx_frontend
