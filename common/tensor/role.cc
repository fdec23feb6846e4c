#include "common/tensor/role.h"

namespace atl {
namespace {

struct Entry {
  Role role;
  std::string_view name;
};
constexpr Entry kRoles[] = {
    {Role::kConvWeight, "conv_weight"},
    {Role::kLinearWeight, "linear_weight"},
    {Role::kBias, "bias"},
    {Role::kNormGamma, "norm_gamma"},
    {Role::kNormBeta, "norm_beta"},
    {Role::kNormMean, "norm_mean"},
    {Role::kNormVar, "norm_var"},
    {Role::kNormCount, "norm_count"},
    {Role::kMixLogit, "mix_logit"},
    {Role::kWsGain, "ws_gain"},
    {Role::kHeadWeight, "head_weight"},
    {Role::kHeadBias, "head_bias"},
    {Role::kOtherBuffer, "buffer"},
    {Role::kEmbedding, "embedding"},
};

}  // namespace

std::string_view to_string(Role role) {
  for (const auto& entry : kRoles) {
    if (entry.role == role) return entry.name;
  }
  return "?";
}

std::optional<Role> role_from_string(std::string_view name) {
  for (const auto& entry : kRoles) {
    if (entry.name == name) return entry.role;
  }
  return std::nullopt;
}

std::optional<Role> role_from_wire(uint32_t number) {
  for (const auto& entry : kRoles) {
    if (static_cast<uint32_t>(entry.role) == number) return entry.role;
  }
  return std::nullopt;
}

}  // namespace atl
