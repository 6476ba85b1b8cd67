#include "runtime-lib/routines.h"
#include "runtime-lib/tree_walk.h"

namespace o2w::runtime {
namespace {

template <typename T>
void score(const abi::TensorArg* args, const int64_t* ints) {
  const abi::TensorArg &x = args[0], &scores = args[7];
  trees::Forest<T> forest{};
  forest.nodes = at<const trees::Node<T>>(args[1].data);
  forest.roots = at<const int32_t>(args[2].data);
  forest.trees = args[2].dims[0];
  forest.weight_targets = at<const int32_t>(args[3].data);
  forest.weights = at<const T>(args[4].data);
  forest.set_starts = at<const int32_t>(args[5].data);
  forest.set_members = at<const T>(args[6].data);
  trees::score_rows(forest, ints[1], at<const T>(x.data), x.dims[0], x.dims[1], scores.dims[1],
                    static_cast<trees::Aggregate>(ints[0]), at<T>(scores.data), at<uint8_t>(args[8].data));
}

}  // namespace
}  // namespace o2w::runtime

O2W_ROUTINE(tree_ensemble) {
  using namespace o2w::runtime;
  if (dtype_of(args[0]) == DType::f64) {
    score<double>(args, ints);
  } else {
    score<float>(args, ints);
  }
  return o2w::abi::kSuccess;
}
