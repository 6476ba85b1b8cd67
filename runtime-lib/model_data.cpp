#include "runtime-lib/platform.h"

// In a file of its own: the compiler must not see that this build never writes it.
o2w::abi::ModelDescriptor o2w_model;
