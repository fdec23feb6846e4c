// What a tensor of a model is for. Assigned when the module is built, never guessed from its name;
// the aggregation policy is written per role. Numbers stand on the wire and never change.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace atl {

enum class Role : uint8_t {
  kConvWeight = 1,
  kLinearWeight = 2,
  kBias = 3,
  kNormGamma = 4,
  kNormBeta = 5,
  kNormMean = 6,   // running mean of a normalization slot
  kNormVar = 7,    // running variance, unbiased, of the same slot
  kNormCount = 8,  // number of batches seen
  kMixLogit = 9,
  kWsGain = 10,
  kHeadWeight = 11,
  kHeadBias = 12,
  kOtherBuffer = 13,
  kEmbedding = 14,
};

constexpr bool is_trainable(Role role) {
  return role != Role::kNormMean && role != Role::kNormVar && role != Role::kNormCount &&
         role != Role::kOtherBuffer;
}
std::string_view to_string(Role role);  // "conv_weight", ...
std::optional<Role> role_from_string(std::string_view name);
std::optional<Role> role_from_wire(uint32_t number);

}  // namespace atl
