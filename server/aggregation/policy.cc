#include "server/aggregation/policy.h"

#include <unordered_map>

namespace atl::server {
namespace {

// "features.1.running_var" -> "features.1": tensors of one normalization slot share it.
std::string slot_of(const std::string& name) {
  auto dot = name.rfind('.');
  return dot == std::string::npos ? std::string() : name.substr(0, dot);
}

}  // namespace

Result<Policy> Policy::make(const std::string& name, const Manifest& manifest) {
  if (name != "all" && name != "pooled") {
    return Error(ErrorCode::kConfig,
                 "unknown aggregation policy \"" + name + "\"; known: all, pooled");
  }
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
    if (!is_float(tensor.dtype)) {
      policy.treatments_[i] = tensor.role == Role::kNormCount ? Treatment::kMax : Treatment::kKeep;
      continue;
    }
    if (name != "pooled" || tensor.role != Role::kNormVar) continue;
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
