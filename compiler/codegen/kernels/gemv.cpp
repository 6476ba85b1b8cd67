#include "compiler/codegen/kernels/gemv.h"

namespace o2w::codegen {

std::string gemv_function(FunctionTable& functions, const schedule::Epilogue& epilogue) {
  return functions.get("f32_gemv_1x32" + EpilogueEmitter::name(epilogue),
                       "gemv" + EpilogueEmitter::key(epilogue), [&](FunctionBuilder& f) {
                         const Var<I32> left = f.param<I32>(), right = f.param<I32>(), out = f.param<I32>();
                         const std::vector<Var<I32>> operands = operand_params(f, epilogue);
                         const Var<I32> k = f.param<I32>(), right_step = f.param<I32>(),
                                        panel_step = f.param<I32>(), out_offset = f.param<I32>(),
                                        column_offset = f.param<I32>();
                         EpilogueEmitter tail(functions, f, epilogue, operands);
                         constexpr int panels = kGemvColumns / kPanel;
                         const Var<V128> element = f.local<V128>(), finished = f.local<V128>();
                         const Var<I32> address = f.local<I32>();
                         std::vector<Var<V128>> sums;
                         std::vector<Var<I32>> from = {right};
                         for (int i = 0; i < 2 * panels; ++i)
                           sums.push_back(f.local<V128>(f32x4::splat(f.f32(0))));
                         for (int i = 1; i < panels; ++i)
                           from.push_back(f.local<I32>(from.back() + panel_step));
                         // One panel has two sums, which wait for each other's additions: eight hide their
                         // latency.
                         f.if_(k > 0, [&] {
                           f.do_while(
                               [&] {
                                 element.set(v128::load32_splat(left));
                                 for (int i = 0; i < panels; ++i) {
                                   for (int half = 0; half < 2; ++half) {
                                     const Var<V128>& sum = sums[static_cast<std::size_t>(2 * i + half)];
                                     V128 weight = load_v128(from[static_cast<std::size_t>(i)],
                                                             static_cast<uint32_t>(16 * half));
                                     sum.set(f32x4::add(sum, f32x4::mul(element, std::move(weight))));
                                   }
                                   from[static_cast<std::size_t>(i)] += right_step;
                                 }
                                 left += 4;
                               },
                               [&] { return k.tee(k - 1) != 0; });
                         });
                         address.set(out + scaled_offset(epilogue.out, out_offset));
                         for (uint32_t i = 0; i < sums.size(); ++i) {
                           finished.set(tail.vector(sums[i], out_offset, column_offset, 16 * i, 16 * i));
                           store_elements(f, tail.out_type(), finished, address, 4 * i);
                         }
                       });
}

}  // namespace o2w::codegen
