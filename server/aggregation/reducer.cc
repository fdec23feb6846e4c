#include "server/aggregation/reducer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/numeric/exact_sum.h"
#include "common/numeric/half.h"
#include "common/numeric/pooled_moments.h"

namespace atl::server {
namespace {

constexpr size_t kSlice =
    16 << 10;  // elements; a slice of exact sums (512 KiB) stays in the second-level cache

template <typename T>
std::span<T> view_as(MutableByteView bytes) {
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

// The exact sum takes weights below 2^32 together. Larger ones are halved, all of them and as often
// as needed, so that no client's claim can end the run.
void fit_weights(std::vector<Contribution>& contributions) {
  for (const auto& c : contributions) ATOLL_CHECK(c.weight >= 1, "weights are at least 1");
  const auto fits = [&contributions] {
    uint64_t left = ExactSum::kMaxWeight;
    for (const auto& c : contributions) {
      if (c.weight > left) return false;
      left -= c.weight;
    }
    return true;
  };
  while (!fits()) {
    for (auto& c : contributions) c.weight = std::max<uint64_t>(1, c.weight / 2);
  }
}

}  // namespace

Result<Reducer> Reducer::make(const SafetensorsFile& current, const Policy& policy,
                              const std::string& rule, std::vector<Contribution> contributions) {
  ATOLL_ASSIGN(auto made, make_rule(rule));
  return make(current, policy, std::move(made), std::move(contributions));
}

Reducer Reducer::make(const SafetensorsFile& current, const Policy& policy,
                      std::unique_ptr<AggregationRule> rule,
                      std::vector<Contribution> contributions) {
  ATOLL_CHECK(!contributions.empty(), "a reduction needs at least one update");
  fit_weights(contributions);
  return Reducer(current, policy, std::move(rule), std::move(contributions));
}

Reducer::Reducer(const SafetensorsFile& current, const Policy& policy,
                 std::unique_ptr<AggregationRule> rule, std::vector<Contribution> contributions)
    : current_(current),
      policy_(policy),
      rule_(std::move(rule)),
      contributions_(std::move(contributions)),
      norms_(current.manifest().tensors().size()) {}

Status Reducer::fill(uint64_t offset, MutableByteView out) {
  const auto& manifest = current_.manifest();
  const auto& tensors = manifest.tensors();
  const uint64_t end = offset + out.size();
  for (size_t i = manifest.first_at(offset); i < tensors.size() && tensors[i].offset < end; ++i) {
    const size_t width = size_of(tensors[i].dtype);
    uint64_t from = std::max(offset, tensors[i].offset);
    const uint64_t to = std::min(end, tensors[i].offset + tensors[i].bytes());
    for (; from < to; from = std::min<uint64_t>(to, from + kSlice * width)) {
      const size_t size = std::min<uint64_t>(to - from, kSlice * width);
      ATOLL_TRY(fill_tensor(i, from, out.subspan(from - offset, size)));
    }
  }
  return {};
}

Status Reducer::fill_tensor(size_t tensor, uint64_t offset, MutableByteView out) {
  const auto& spec = current_.manifest().tensors()[tensor];
  switch (policy_.treatment(tensor)) {
    case Treatment::kKeep:
      return current_.read_flat(offset, out);
    case Treatment::kMax:
      return fill_max(offset, out, spec.dtype);
    case Treatment::kPooledVar:
      return fill_pooled(tensor, (offset - spec.offset) / sizeof(float), view_as<float>(out));
    case Treatment::kMean:
      break;
  }
  if (spec.dtype == DType::kF32) return fill_mean<float>(tensor, offset, view_as<float>(out));
  if (spec.dtype == DType::kF64) return fill_mean<double>(tensor, offset, view_as<double>(out));
  return fill_half(tensor, offset, out);
}

template <typename T>
Status Reducer::fill_mean(size_t tensor, uint64_t offset, std::span<T> out) {
  rule_->init(out.size());
  scratch_.resize(out.size_bytes());
  for (size_t k = 0; k < contributions_.size(); ++k) {
    ATOLL_TRY(contributions_[k].update->read_at(offset, scratch_));
    auto values = view_as<T>(scratch_);
    rule_->accumulate(contributions_[k].weight, std::span<const T>(values));
    add_norms<T>(tensor, k, values);
  }
  rule_->finish(out);
  add_norms<T>(tensor, contributions_.size(), out);
  return {};
}

Status Reducer::fill_half(size_t tensor, uint64_t offset, MutableByteView out) {
  const DType dtype = current_.manifest().tensors()[tensor].dtype;
  const size_t elements = out.size() / 2;
  rule_->init(elements);
  scratch_.resize(out.size());
  std::vector<float> wide(elements);
  for (size_t k = 0; k < contributions_.size(); ++k) {
    ATOLL_TRY(contributions_[k].update->read_at(offset, scratch_));
    widen(dtype, view_as<uint16_t>(scratch_), wide);
    rule_->accumulate(contributions_[k].weight, std::span<const float>(wide));
    add_norms<float>(tensor, k, wide);
  }
  rule_->finish(std::span(wide));
  narrow(dtype, wide, view_as<uint16_t>(out));
  // The rounded result may be longer by half a unit of the narrow type; the guard compares before
  // that rounding.
  add_norms<float>(tensor, contributions_.size(), wide);
  return {};
}

Status Reducer::fill_pooled(size_t tensor, uint64_t first, std::span<float> out) {
  const auto& tensors = current_.manifest().tensors();
  const uint64_t var_offset = tensors[tensor].offset + first * sizeof(float);
  const uint64_t mean_offset = tensors[policy_.mean_of(tensor)].offset + first * sizeof(float);
  PooledMoments moments(out.size());
  scratch_.resize(out.size_bytes());
  scratch2_.resize(out.size_bytes());
  for (const auto& c : contributions_) {
    ATOLL_TRY(c.update->read_at(mean_offset, scratch_));
    ATOLL_TRY(c.update->read_at(var_offset, scratch2_));
    moments.add(c.weight, view_as<float>(scratch_), view_as<float>(scratch2_));
  }
  std::vector<float> mean(out.size());
  moments.finish(mean, out);
  return {};
}

Status Reducer::fill_max(uint64_t offset, MutableByteView out, DType dtype) {
  scratch_.resize(out.size());
  for (size_t k = 0; k < contributions_.size(); ++k) {
    MutableByteView target = k == 0 ? out : MutableByteView(scratch_);
    ATOLL_TRY(contributions_[k].update->read_at(offset, target));
    if (k == 0) continue;
    auto fold = [&]<typename T>(std::span<T> best, std::span<const T> next) {
      for (size_t i = 0; i < best.size(); ++i) best[i] = std::max(best[i], next[i]);
    };
    if (dtype == DType::kI64)
      fold(view_as<int64_t>(out), std::span<const int64_t>(view_as<int64_t>(scratch_)));
    if (dtype == DType::kI32)
      fold(view_as<int32_t>(out), std::span<const int32_t>(view_as<int32_t>(scratch_)));
    if (dtype == DType::kU8)
      fold(view_as<uint8_t>(out), std::span<const uint8_t>(view_as<uint8_t>(scratch_)));
  }
  return {};
}

template <typename T>
void Reducer::add_norms(size_t tensor, size_t slot, std::span<const T> values) {
  auto& norms = norms_[tensor];
  norms.resize(contributions_.size() + 1, 0.0);
  double sums[8] = {};  // independent chains, so that the compiler can keep them in one register
  size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (size_t j = 0; j < 8; ++j)
      sums[j] += static_cast<double>(values[i + j]) * static_cast<double>(values[i + j]);
  }
  for (; i < values.size(); ++i)
    sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  for (double sum : sums) norms[slot] += sum;
}

Status Reducer::check_norms() const {
  for (size_t i = 0; i < norms_.size(); ++i) {
    const auto& norms = norms_[i];
    if (norms.empty()) continue;
    const double longest = std::sqrt(*std::max_element(norms.begin(), norms.end() - 1));
    const double result = std::sqrt(norms.back());
    if (!(result <= longest * (1 + 1e-6) + 1e-6)) {
      return Error(ErrorCode::kInternal, "the mean of tensor " +
                                             current_.manifest().tensors()[i].name +
                                             " is longer than every update's; the round is void");
    }
  }
  return {};
}

}  // namespace atl::server
