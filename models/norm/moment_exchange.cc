#include "models/norm/moment_exchange.h"

#include <torch/csrc/autograd/custom_function.h>

#include "models/norm/norm_layer.h"

namespace atl::models {
namespace {

// The scope of this thread. Backward passes of CPU models run on the thread that asks for them.
thread_local MomentExchange::Scope* current = nullptr;

}  // namespace

MomentExchange::Scope::Scope(MomentExchange& exchange, std::string participant, size_t slots)
    : exchange_(exchange),
      participant_(std::move(participant)),
      forward_(slots),
      backward_(slots),
      turn_(exchange.turn_) {
  TORCH_CHECK(current == nullptr, "a thread takes part in one exchange of moments at a time");
  current = this;
}

MomentExchange::Scope::~Scope() {
  current = nullptr;
  if (forward_ + backward_ == 0) return;
  exchange_.broken_ = true;
  exchange_.all_here_.notify_all();
}

torch::Tensor MomentExchange::sum(Scope& scope, const torch::Tensor& part) {
  const uint64_t mine = sums_;
  parts_[scope.participant_] = part;
  if (parts_.size() == participants_) {
    sum_ = torch::zeros_like(part);
    for (const auto& [name, other] : parts_) sum_ = sum_ + other;
    parts_.clear();
    ++sums_;
    all_here_.notify_all();
  }
  all_here_.wait(scope.turn_, [&] { return sums_ > mine || broken_; });
  TORCH_CHECK(sums_ > mine, "another participant of the synchronised step has failed");
  return sum_;
}

// [2, C] moments of this participant -> [3, C]: those of all, and how many values they are of.
struct MomentExchange::PooledMoments : torch::autograd::Function<PooledMoments> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& moments, double values) {
    context->saved_data["values"] = values;
    auto& exchange = current->exchange_;
    const auto weighted =
        torch::cat({moments * values, torch::full_like(moments[0], values).unsqueeze(0)});
    const auto all = exchange.sum(*current, weighted);
    --current->forward_;
    context->saved_data["all"] = all[2][0].item<double>();
    return torch::cat({all.slice(0, 0, 2) / all[2], all.slice(0, 2, 3)});
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    TORCH_CHECK(current != nullptr, "the backward pass of a synchronised step left its thread");
    const double share =
        context->saved_data["values"].toDouble() / context->saved_data["all"].toDouble();
    const auto mean = current->exchange_.sum(*current, gradients[0].slice(0, 0, 2) * share);
    --current->backward_;
    return {mean, torch::Tensor()};
  }
};

bool MomentExchange::wanted() { return current != nullptr && current->forward_ > 0; }

MomentExchange::Pooled MomentExchange::pool(const torch::Tensor& x) {
  const auto values = static_cast<double>(x.numel() / x.size(1));
  const auto dims = all_but_channels(x);
  const auto mean = x.mean(dims).to(torch::kDouble);
  const auto var = x.var(dims, /*unbiased=*/false).to(torch::kDouble);
  // As a second moment, and about zero: in double the difference keeps a float's digits.
  const auto all = PooledMoments::apply(torch::stack({mean, var + mean.square()}), values);
  return {all[0].to(x.dtype()), (all[1] - all[0].square()).clamp_min(0).to(x.dtype()),
          all[2][0].item<int64_t>()};
}

}  // namespace atl::models
