#include "experiments/fl_normalization/metrics/norm_track.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/core/check.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

std::span<const float> floats(ByteView flat, const TensorSpec& tensor) {
  ATOLL_CHECK(tensor.dtype == DType::kF32 && tensor.offset + tensor.bytes() <= flat.size(),
              "a float tensor of this model");
  return {reinterpret_cast<const float*>(flat.data() + tensor.offset), tensor.elements};
}

std::string norm_group(Role role, bool normalized) {
  switch (role) {
    case Role::kConvWeight:
      return normalized ? "scale_invariant" : "other";
    case Role::kNormGamma:
    case Role::kNormBeta:
    case Role::kWsGain:
      return "norm_affine";
    case Role::kHeadWeight:
    case Role::kHeadBias:
      return "head";
    default:
      return "other";
  }
}

NormTrack::NormTrack(Manifest manifest, bool normalized, double learning_rate)
    : manifest_(std::move(manifest)), normalized_(normalized), rate_(learning_rate) {}

std::vector<NormRow> NormTrack::add(uint32_t round, ByteView flat) {
  std::vector<NormRow> rows;
  std::map<std::string, double> squares;
  for (const auto& tensor : manifest_.tensors()) {
    if (!is_trainable(tensor.role) || tensor.dtype != DType::kF32) continue;
    const auto now = floats(flat, tensor);
    const double square = product(now, now);
    NormRow row{tensor.name,       norm_group(tensor.role, normalized_),
                std::sqrt(square), kNothing,
                kNothing,          kNothing};
    squares[row.group] += square;
    if (row.group == "scale_invariant" && square > 0) row.eta_eff = rate_ / square;
    if (!last_.empty()) {
      const auto before = floats(last_, tensor);
      const double old = std::sqrt(product(before, before));
      if (old > 0) row.ratio = row.norm / old;
      if (old > 0 && square > 0)
        row.angle = std::acos(std::clamp(product(before, now) / (old * row.norm), -1.0, 1.0));
    }
    rows.push_back(std::move(row));
  }
  watch(squares, round);
  last_.assign(flat.begin(), flat.end());
  return rows;
}

void NormTrack::watch(const std::map<std::string, double>& squares, uint32_t round) {
  for (const auto& [group, square] : squares) {
    const double norm = std::sqrt(square);
    const auto before = group_norms_.find(group);
    const bool grew =
        before != group_norms_.end() && before->second > 0 && norm > kAlarmRatio * before->second;
    auto& run = growing_[group];
    run = grew ? run + 1 : 0;
    if (run >= kAlarmRounds) alarms_.try_emplace(group, round);
    group_norms_[group] = norm;
  }
}

}  // namespace atl::study
