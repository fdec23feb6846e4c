#include "server/aggregation/policy.h"

#include <algorithm>
#include <unordered_map>

namespace atl::server {
namespace {

// "features.1.running_var" -> "features.1": tensors of one normalization slot share it.
std::string slot_of(const std::string& name) {
  auto dot = name.rfind('.');
  return dot == std::string::npos ? std::string() : name.substr(0, dot);
}

bool apart(const wire::RoleRules& rules, Role role) {
  for (const auto* list : {&rules.local, &rules.reset, &rules.fixed})
    if (std::find(list->begin(), list->end(), role) != list->end()) return true;
  return false;
}

}  // namespace

bool statistics_are_fixed(const std::string& policy, uint32_t fix_after, uint32_t round,
                          uint32_t total_rounds) {
  return policy == "fixbn" && round > (fix_after != 0 ? fix_after : total_rounds / 2);
}

wire::RoleRules rules_for_clients(const std::string& policy, bool fixed) {
  const std::vector<Role> statistics = {Role::kNormMean, Role::kNormVar, Role::kNormCount};
  wire::RoleRules rules;
  if (policy == "affine_only") rules.reset = statistics;
  if (policy == "silobn" || policy == "fedbn") {
    rules.local = statistics;
    rules.local.push_back(Role::kMixLogit);
  }
  if (policy == "fedbn") rules.local.insert(rules.local.end(), {Role::kNormGamma, Role::kNormBeta});
  if (policy == "fixbn" && fixed) rules.fixed = statistics;
  if (policy == "hbn") rules.local = {Role::kMixLogit};
  if (policy == "fedper") rules.local = {Role::kHeadWeight, Role::kHeadBias};
  return rules;
}

Result<Policy> Policy::make(const std::string& name, const Manifest& manifest, bool fixed) {
  if (std::find(kPolicies.begin(), kPolicies.end(), name) == kPolicies.end()) {
    std::string known;
    for (const auto one : kPolicies) known += (known.empty() ? "" : ", ") + std::string(one);
    return Error(ErrorCode::kConfig,
                 "unknown aggregation policy \"" + name + "\"; known: " + known);
  }
  const bool pools = name == "pooled" || name == "hbn" || name == "fedper";
  const auto rules = rules_for_clients(name, fixed);
  Policy policy;
  const auto& tensors = manifest.tensors();
  policy.treatments_.resize(tensors.size(), Treatment::kMean);
  policy.means_.resize(tensors.size(), 0);
  std::unordered_map<std::string, size_t> means;  // slot -> its running mean
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].role == Role::kNormMean) means.emplace(slot_of(tensors[i].name), i);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& tensor = tensors[i];
    if (apart(rules, tensor.role)) {
      policy.treatments_[i] = Treatment::kKeep;
      continue;
    }
    if (!is_float(tensor.dtype)) {
      policy.treatments_[i] = tensor.role == Role::kNormCount ? Treatment::kMax : Treatment::kKeep;
      continue;
    }
    if (!pools || tensor.role != Role::kNormVar) continue;
    const auto mean = means.find(slot_of(tensor.name));
    const bool found = mean != means.end() && tensors[mean->second].shape == tensor.shape &&
                       tensors[mean->second].dtype == tensor.dtype;
    if (!found || tensor.dtype != DType::kF32) {
      return Error(ErrorCode::kModel,
                   "cannot pool " + tensor.name +
                       (found ? ": only F32 statistics can be pooled"
                              : ": its slot has no running mean of the same shape and type"))
          .hint("set policy = \"all\" under [aggregation]");
    }
    policy.treatments_[i] = Treatment::kPooledVar;
    policy.means_[i] = mean->second;
  }
  return policy;
}

}  // namespace atl::server
