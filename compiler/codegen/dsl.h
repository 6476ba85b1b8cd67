// The kernel DSL: everything a kernel emitter needs.
#pragma once

#include "compiler/codegen/function_builder.h"
#include "compiler/codegen/simd.h"
#include "compiler/codegen/value.h"
