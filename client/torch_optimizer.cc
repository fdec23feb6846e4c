#include "client/torch_optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace atl::client {
namespace {

// Eight sums side by side, in a fixed order, so that the additions need not wait for each other.
double sum_of_squares(const float* values, int64_t count) {
  constexpr int64_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) {
      const auto v = static_cast<double>(values[i + k]);
      lanes[static_cast<size_t>(k)] += v * v;
    }
  }
  double sum = 0;
  for (; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  for (double lane : lanes) sum += lane;
  return sum;
}

struct SgdTerms {
  float rate, decay, momentum, scale;
};

// Terms that are off are multiplied by 0 or 1, which changes no bit of a finite number.
void sgd_plain(float* __restrict p, const float* __restrict g, int64_t count, SgdTerms t) {
  for (int64_t i = 0; i < count; ++i) p[i] -= t.rate * (g[i] * t.scale + t.decay * p[i]);
}

template <bool kNesterov>
void sgd_momentum(float* __restrict p, const float* __restrict g, float* __restrict b,
                  int64_t count, SgdTerms t) {
  for (int64_t i = 0; i < count; ++i) {
    const float d = g[i] * t.scale + t.decay * p[i];
    const float buffer = t.momentum * b[i] + d;
    b[i] = buffer;
    p[i] -= t.rate * (kNesterov ? d + t.momentum * buffer : buffer);
  }
}

struct AdamTerms {
  float keep, beta1, rest1, beta2, rest2, step_size, root_correction, epsilon, scale;
};

#if defined(__GNUC__) && !defined(__clang__)
// sqrt() that need not set errno can be vectorised.
__attribute__((optimize("no-math-errno")))
#endif
void adamw(float* __restrict p, const float* __restrict g, float* __restrict m,
           float* __restrict v, int64_t count, AdamTerms t) {
  for (int64_t i = 0; i < count; ++i) {
    const float d = g[i] * t.scale;
    const float first = t.beta1 * m[i] + t.rest1 * d;
    const float second = t.beta2 * v[i] + t.rest2 * (d * d);
    m[i] = first;
    v[i] = second;
    const float divisor = __builtin_sqrtf(second) / t.root_correction + t.epsilon;
    p[i] = p[i] * t.keep - t.step_size * (first / divisor);
  }
}

std::vector<torch::Tensor> zeros_like(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> zeros;
  for (const auto& t : tensors) zeros.push_back(torch::zeros_like(t.detach()));
  return zeros;
}

void clear_or_make(std::vector<torch::Tensor>& state, const std::vector<torch::Tensor>& like,
                   bool needed) {
  if (!needed) {
    state.clear();
  } else if (state.empty()) {
    state = zeros_like(like);
  } else {
    for (auto& tensor : state) tensor.zero_();
  }
}

}  // namespace

LocalOptimizer::LocalOptimizer(std::vector<torch::Tensor> parameters, Path path)
    : parameters_(std::move(parameters)), path_(path) {}

void LocalOptimizer::begin(const wire::TrainSettings& settings, double learning_rate) {
  torch::NoGradGuard no_grad;
  settings_ = settings;
  rate_ = learning_rate;
  steps_ = 0;
  const bool adamw = settings.optimizer == "adamw";
  clear_or_make(first_, parameters_, adamw || settings.momentum != 0);
  clear_or_make(second_, parameters_, adamw);
  zero_grad();
}

void LocalOptimizer::zero_grad() {
  for (auto& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

void LocalOptimizer::step() {
  torch::NoGradGuard no_grad;
  ++steps_;
  if (settings_.adaptive_clip > 0) clip_rows();
  const double scale = gradient_scale();
  const bool adamw = settings_.optimizer == "adamw";
  if (path_ == Path::kLoops)
    adamw ? step_adamw_loops(scale) : step_sgd_loops(scale);
  else
    adamw ? step_adamw_operators(scale) : step_sgd_operators(scale);
}

void LocalOptimizer::clip_rows() {
  constexpr double kLeastLength = 1e-3;
  for (auto& parameter : parameters_) {
    auto& gradient = parameter.mutable_grad();
    if (!gradient.defined() || parameter.dim() < 2) continue;
    auto lengths = [](const torch::Tensor& t) { return t.flatten(1).norm(2, 1); };
    const auto limits =
        lengths(parameter.detach()).clamp_min(kLeastLength) * settings_.adaptive_clip;
    // A row without a gradient is divided by 0: infinity, and so left alone.
    const auto factors = (limits / lengths(gradient)).clamp_max(1);
    std::vector<int64_t> shape(static_cast<size_t>(parameter.dim()), 1);
    shape[0] = -1;
    gradient.mul_(factors.view(shape));
  }
}

double LocalOptimizer::gradient_scale() const {
  if (settings_.clip_norm <= 0) return 1;
  double sum = 0;
  for (const auto& parameter : parameters_) {
    const auto& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (path_ == Path::kLoops) {
      const auto values = gradient.contiguous();
      sum += sum_of_squares(values.const_data_ptr<float>(), values.numel());
    } else {
      const auto norm = gradient.norm().item<double>();
      sum += norm * norm;
    }
  }
  return std::min(1.0, settings_.clip_norm / (std::sqrt(sum) + 1e-6));
}

void LocalOptimizer::step_sgd_loops(double scale) {
  const SgdTerms terms{static_cast<float>(rate_), static_cast<float>(settings_.weight_decay),
                       static_cast<float>(settings_.momentum), static_cast<float>(scale)};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    const auto values = gradient.contiguous();
    auto* p = parameters_[i].data_ptr<float>();
    const auto* g = values.const_data_ptr<float>();
    const int64_t count = values.numel();
    if (first_.empty())
      sgd_plain(p, g, count, terms);
    else if (settings_.nesterov)
      sgd_momentum<true>(p, g, first_[i].data_ptr<float>(), count, terms);
    else
      sgd_momentum<false>(p, g, first_[i].data_ptr<float>(), count, terms);
  }
}

void LocalOptimizer::step_adamw_loops(double scale) {
  const auto& s = settings_;
  const auto t = static_cast<double>(steps_);
  const AdamTerms terms{.keep = static_cast<float>(1 - rate_ * s.weight_decay),
                        .beta1 = static_cast<float>(s.beta1),
                        .rest1 = static_cast<float>(1 - s.beta1),
                        .beta2 = static_cast<float>(s.beta2),
                        .rest2 = static_cast<float>(1 - s.beta2),
                        .step_size = static_cast<float>(rate_ / (1 - std::pow(s.beta1, t))),
                        .root_correction = static_cast<float>(std::sqrt(1 - std::pow(s.beta2, t))),
                        .epsilon = static_cast<float>(s.epsilon),
                        .scale = static_cast<float>(scale)};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    const auto values = gradient.contiguous();
    adamw(parameters_[i].data_ptr<float>(), values.const_data_ptr<float>(),
          first_[i].data_ptr<float>(), second_[i].data_ptr<float>(), values.numel(), terms);
  }
}

LocalOptimizer::Active LocalOptimizer::active(double scale) const {
  Active result;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    result.parameters.push_back(parameters_[i]);
    result.gradients.push_back(parameters_[i].grad());
    if (!first_.empty()) result.first.push_back(first_[i]);
    if (!second_.empty()) result.second.push_back(second_[i]);
  }
  if (scale != 1 && !result.gradients.empty())
    result.gradients = at::_foreach_mul(result.gradients, scale);
  return result;
}

void LocalOptimizer::step_sgd_operators(double scale) {
  auto a = active(scale);
  if (a.parameters.empty()) return;
  const auto& s = settings_;
  if (s.weight_decay != 0)
    a.gradients = at::_foreach_add(a.gradients, a.parameters, s.weight_decay);
  if (s.momentum != 0) {
    at::_foreach_mul_(a.first, s.momentum);
    at::_foreach_add_(a.first, a.gradients, 1);
    a.gradients = s.nesterov ? at::_foreach_add(a.gradients, a.first, s.momentum) : a.first;
  }
  at::_foreach_add_(a.parameters, a.gradients, -rate_);
}

void LocalOptimizer::step_adamw_operators(double scale) {
  auto a = active(scale);
  if (a.parameters.empty()) return;
  const auto& s = settings_;
  const auto t = static_cast<double>(steps_);
  at::_foreach_mul_(a.parameters, 1 - rate_ * s.weight_decay);
  at::_foreach_mul_(a.first, s.beta1);
  at::_foreach_add_(a.first, a.gradients, 1 - s.beta1);
  at::_foreach_mul_(a.second, s.beta2);
  at::_foreach_addcmul_(a.second, a.gradients, a.gradients, 1 - s.beta2);
  auto divisor = at::_foreach_sqrt(a.second);
  at::_foreach_div_(divisor, std::sqrt(1 - std::pow(s.beta2, t)));
  at::_foreach_add_(divisor, s.epsilon);
  at::_foreach_addcdiv_(a.parameters, a.first, divisor, -rate_ / (1 - std::pow(s.beta1, t)));
}

}  // namespace atl::client
