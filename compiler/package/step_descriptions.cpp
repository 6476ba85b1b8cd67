#include "compiler/package/step_descriptions.h"

#include <nlohmann/json.hpp>

#include "compiler/schedule/kernel_alternatives.h"
#include "compiler/schedule/kernel_costs.h"
#include "compiler/schedule/step_work.h"

namespace o2w::package {
namespace {

using Json = nlohmann::ordered_json;

struct FamilyName {
  std::string operator()(const schedule::Call& call) const { return schedule::family_of(call.kernel); }
  std::string operator()(const schedule::Branch&) const { return "branch"; }
  std::string operator()(const schedule::Repeat&) const { return "loop"; }
  std::string operator()(const schedule::BindSymbols&) const { return "sizes"; }
  std::string operator()(const schedule::SetSymbol&) const { return "sizes"; }
  std::string operator()(const schedule::Check&) const { return "check"; }
  std::string operator()(const schedule::Allocate&) const { return "memory"; }
  std::string operator()(const schedule::Free&) const { return "memory"; }
  std::string operator()(const schedule::MoveBuffer&) const { return "memory"; }
};

// What the cost model counts.
Json to_json(const schedule::KernelWork& work) {
  Json json = Json::object();
#define O2W_KERNEL_COST(what, nanoseconds) json[#what] = work.what;
#include "compiler/schedule/kernel_costs.inc"
#undef O2W_KERNEL_COST
  return json;
}

Json known(const std::optional<int64_t>& count) { return count ? Json(*count) : Json(nullptr); }
Json named(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string steps_json(const schedule::Program& program,
                       const std::vector<codegen::StepFunction>& functions) {
  Json list = Json::array();
  for (const codegen::StepFunction& function : functions) {
    const schedule::Step& step = *function.step;
    schedule::StepWork work;
    std::string site, algorithm;
    Json counts;
    if (const auto* call = std::get_if<schedule::Call>(&step.what)) {
      work = schedule::work_of(program, *call);
      site = schedule::site_of(call->kernel);
      if (const auto* conv = std::get_if<schedule::Conv2d>(&call->kernel)) {
        algorithm = schedule::algorithm_of(*conv);
        counts = to_json(schedule::work_of(*conv));
      }
      if (const auto* matmul = std::get_if<schedule::Matmul>(&call->kernel)) {
        algorithm = schedule::algorithm_of(*matmul);
        counts = to_json(schedule::work_of(*matmul));
      }
    }
    list.push_back({{"export", function.name},
                    {"node", step.origin ? Json(step.origin->node) : Json(nullptr)},
                    {"op", step.origin ? Json(step.origin->op) : Json(nullptr)},
                    {"family", std::visit(FamilyName(), step.what)},
                    {"function", named(function.kernel)},
                    {"site", named(site)},
                    {"algorithm", named(algorithm)},
                    {"flops", known(work.flops)},
                    {"bytes", known(work.bytes)},
                    {"work", std::move(counts)}});
  }
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace o2w::package
