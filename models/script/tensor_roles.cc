#include "models/script/tensor_roles.h"

#include <optional>
#include <sstream>

#include "models/state.h"

namespace atl::models {
namespace {

constexpr size_t kMostNamed = 3;  // tensors in one message

std::string shape_of(const ScriptTensor& tensor) {
  std::ostringstream out;
  out << tensor.value.scalar_type() << tensor.value.sizes();
  return out.str();
}

class Rules {
 public:
  explicit Rules(const std::vector<ScriptTensor>& tensors) {
    for (const auto& tensor : tensors) by_name_.emplace(tensor.name, &tensor);
  }

  std::optional<Role> role_of(const ScriptTensor& tensor) const {
    if (!tensor.parameter) return buffer_role(tensor);
    if (has(tensor, "running_var")) return affine_role(own_name(tensor));
    const auto* weight = find(weight_beside(tensor.name));
    const bool is_weight = own_name(tensor).find("weight") != std::string::npos;
    const auto* bias = is_weight ? bias_of(tensor) : nullptr;
    if (weight != nullptr) {
      if (weight->value.sizes() == tensor.value.sizes()) return Role::kNormBeta;
      return weight->value.dim() > 1 ? std::optional(Role::kBias) : std::nullopt;
    }
    if (!is_weight) return std::nullopt;
    if (bias != nullptr && bias->value.sizes() == tensor.value.sizes()) return Role::kNormGamma;
    if (tensor.module_type.starts_with("Embedding")) return Role::kEmbedding;
    if (tensor.value.dim() < 2) return std::nullopt;
    return tensor.value.dim() == 2 ? Role::kLinearWeight : Role::kConvWeight;
  }

  // Whether the role can be given to this tensor: a first model can be drawn, and a policy applies.
  bool fits(const ScriptTensor& tensor, Role role) const {
    if (tensor.parameter != is_trainable(role)) return false;
    switch (role) {
      case Role::kConvWeight:
      case Role::kLinearWeight:
      case Role::kHeadWeight:
        return tensor.value.dim() > 1;
      case Role::kBias:
      case Role::kHeadBias: {
        const auto* weight = find(weight_beside(tensor.name));
        return weight != nullptr && weight->value.dim() > 1 && weight->value.numel() > 0;
      }
      case Role::kNormMean:
      case Role::kNormVar:
        return tensor.value.scalar_type() == torch::kFloat;
      default:
        return true;
    }
  }

 private:
  const ScriptTensor* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  static std::string own_name(const ScriptTensor& tensor) {
    return tensor.name.substr(tensor.name.rfind('.') + 1);
  }
  bool has(const ScriptTensor& tensor, const std::string& sibling) const {
    const auto module = tensor.name.substr(0, tensor.name.rfind('.') + 1);
    return find(module + sibling) != nullptr;
  }
  const ScriptTensor* bias_of(const ScriptTensor& weight) const {
    auto name = weight.name;
    return find(name.replace(name.rfind("weight"), 6, "bias"));
  }
  static std::optional<Role> affine_role(const std::string& own) {
    if (own == "weight") return Role::kNormGamma;
    if (own == "bias") return Role::kNormBeta;
    return std::nullopt;
  }
  static std::optional<Role> buffer_role(const ScriptTensor& tensor) {
    const auto own = own_name(tensor);
    if (own == "running_mean") return Role::kNormMean;
    if (own == "running_var") return Role::kNormVar;
    if (own == "num_batches_tracked") return Role::kNormCount;
    return Role::kOtherBuffer;
  }

  std::map<std::string, const ScriptTensor*> by_name_;
};

bool may_travel(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat:
    case torch::kDouble:
    case torch::kHalf:
    case torch::kBFloat16:
    case torch::kLong:
    case torch::kInt:
    case torch::kByte:
      return true;
    default:
      return false;
  }
}

Status check_type(const ScriptTensor& tensor) {
  if (tensor.parameter && tensor.value.scalar_type() != torch::kFloat) {
    return Error(ErrorCode::kModel,
                 "the parameter " + tensor.name + " is " + shape_of(tensor) + ", not float32")
        .hint("say net.float() before it is scripted");
  }
  if (may_travel(tensor.value.scalar_type())) return {};
  return Error(ErrorCode::kModel, "the buffer " + tensor.name + " is " + shape_of(tensor) +
                                      ", which no update can carry")
      .hint("make it uint8, or make it anew in forward()");
}

std::string every_role() {
  std::string text;
  for (uint32_t number = 1; const auto role = role_from_wire(number); ++number)
    text += (text.empty() ? "" : ", ") + std::string(to_string(*role));
  return text;
}

Error without_role(const std::vector<const ScriptTensor*>& unknown) {
  std::string names, line;
  for (size_t i = 0; i < unknown.size() && i < kMostNamed; ++i) {
    names += (i ? ", " : "") + unknown[i]->name + " " + shape_of(*unknown[i]);
    line += (i ? ", \"" : "\"") + unknown[i]->name + "=ROLE\"";
  }
  if (unknown.size() > kMostNamed)
    names += " and " + std::to_string(unknown.size() - kMostNamed) + " more";
  return Error(ErrorCode::kModel, "no rule says what these tensors are for: " + names)
      .hint("roles = [" + line + "] beside torchscript; ROLE is one of " + every_role());
}

}  // namespace

Result<std::vector<Role>> roles_of(const std::vector<ScriptTensor>& tensors,
                                   const std::map<std::string, Role>& said,
                                   const std::map<std::string, Role>& from_file) {
  const Rules rules(tensors);
  std::vector<Role> roles;
  std::vector<const ScriptTensor*> unknown;
  size_t used = 0;
  for (const auto& tensor : tensors) {
    ATOLL_TRY(check_type(tensor));
    auto role = rules.role_of(tensor);
    if (const auto found = from_file.find(tensor.name); found != from_file.end())
      role = found->second;
    if (const auto found = said.find(tensor.name); found != said.end()) {
      role = found->second;
      ++used;
    }
    if (!role) {
      unknown.push_back(&tensor);
      continue;
    }
    if (!rules.fits(tensor, *role)) {
      return Error(ErrorCode::kModel, tensor.name + " " + shape_of(tensor) + " cannot be a " +
                                          std::string(to_string(*role)))
          .hint("name another role: roles = [\"" + tensor.name + "=ROLE\"] beside torchscript");
    }
    roles.push_back(*role);
  }
  if (!unknown.empty()) return without_role(unknown);
  if (used == said.size()) return roles;
  for (const auto& [name, role] : said) {
    bool there = false;
    for (const auto& tensor : tensors) there = there || tensor.name == name;
    if (!there)
      return Error(ErrorCode::kConfig, "roles names " + name + ", and there is no such tensor");
  }
  return roles;
}

}  // namespace atl::models
