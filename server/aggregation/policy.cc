#include "server/aggregation/policy.h"

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
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& tensor = tensors[i];
    if (!is_float(tensor.dtype)) {
      policy.treatments_[i] = tensor.role == Role::kNormCount ? Treatment::kMax : Treatment::kKeep;
      continue;
    }
    if (name != "pooled" || tensor.role != Role::kNormVar) continue;
    bool found = false;
    for (size_t j = 0; j < tensors.size() && !found; ++j) {
      found = tensors[j].role == Role::kNormMean && tensors[j].shape == tensor.shape &&
              tensors[j].dtype == tensor.dtype && slot_of(tensors[j].name) == slot_of(tensor.name);
      if (found) policy.means_[i] = j;
    }
    if (!found || tensor.dtype != DType::kF32) {
      return Error(ErrorCode::kModel, "cannot pool " + tensor.name +
                                          ": its slot has no running mean of the same shape")
          .hint("set policy = \"all\" under [aggregation]");
    }
    policy.treatments_[i] = Treatment::kPooledVar;
  }
  return policy;
}

}  // namespace atl::server
