#include "experiments/fl_normalization/metrics/average.h"

#include <algorithm>
#include <numeric>

#include "common/core/check.h"
#include "experiments/fl_normalization/metrics/norm_track.h"

namespace atl::study {
namespace {

constexpr std::string_view kMean = "running_mean", kVar = "running_var";

// The running mean of the same slot; null where there is none.
const TensorSpec* mean_of(const Manifest& manifest, const TensorSpec& variance) {
  if (variance.name.size() < kVar.size()) return nullptr;
  const auto slot = variance.name.substr(0, variance.name.size() - kVar.size());
  return manifest.find(slot + std::string(kMean));
}

}  // namespace

Bytes average(const Manifest& manifest, ByteView base, std::span<const Bytes* const> locals,
              std::span<const double> p, bool pooled) {
  const double whole = std::accumulate(p.begin(), p.end(), 0.0);
  ATOLL_CHECK(locals.size() == p.size() && whole > 0, "a weight for every client");
  Bytes out(base.begin(), base.end());
  for (const auto& tensor : manifest.tensors()) {
    if (tensor.dtype != DType::kF32) continue;
    const auto* mean =
        pooled && tensor.role == Role::kNormVar ? mean_of(manifest, tensor) : nullptr;
    std::vector<double> sum(tensor.elements), first(tensor.elements), second(tensor.elements);
    for (size_t k = 0; k < p.size(); ++k) {
      if (p[k] == 0) continue;
      const double share = p[k] / whole;
      const auto values = floats(*locals[k], tensor);
      for (size_t i = 0; i < values.size(); ++i) sum[i] += share * static_cast<double>(values[i]);
      if (mean == nullptr) continue;
      const auto means = floats(*locals[k], *mean);
      for (size_t i = 0; i < values.size(); ++i) {
        const auto m = static_cast<double>(means[i]);
        first[i] += share * m;
        second[i] += share * m * m;
      }
    }
    auto* target = reinterpret_cast<float*>(out.data() + tensor.offset);
    for (size_t i = 0; i < sum.size(); ++i)
      target[i] = static_cast<float>(sum[i] + std::max(0.0, second[i] - first[i] * first[i]));
  }
  return out;
}

}  // namespace atl::study
