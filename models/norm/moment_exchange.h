// MomentExchange: models that train on threads of one process share the statistics of a step, as if
// their batches were one. It is the layer-wise aggregation of FedTAN (Wang et al. 2023, arXiv
// 2301.02982), for simulations: over a network it costs three messages per slot and step.
//
// In a synchronised step every `bn` slot pools the moments (mean, mean of squares) of all
// participants, weighted by their numbers of values, and normalises with them; in the backward pass
// it averages the gradients of those moments with the same weights. With one local step, gradients
// that are averaged by batch size are then those of the union of all batches.
//
// Participants take turns: at any time one of them computes and the others wait, so that a group
// costs one core. Sums are made in the order of the participants' names, whoever comes first.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

namespace atl::models {

class MomentExchange {
 public:
  explicit MomentExchange(size_t participants) : participants_(participants) {}

  // Puts the calling thread's model in, while it lives: the first `slots` passes through bn slots,
  // which are those of the first step, are synchronised; everything later is as usual. One scope a
  // thread. Blocks while another participant computes. A scope that ends before its synchronised
  // step did (an exception, a failed step) ends the others' waiting: they throw c10::Error.
  class Scope {
   public:
    Scope(MomentExchange& exchange, std::string participant, size_t slots);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class MomentExchange;
    MomentExchange& exchange_;
    std::string participant_;
    size_t forward_, backward_;  // passes still to be synchronised
    std::unique_lock<std::mutex> turn_;
  };

  // Moments of the pooled batch per channel: [C] and [C] (biased), with their gradient, and the
  // values that they are of.
  struct Pooled {
    torch::Tensor mean, var;
    int64_t values = 0;
  };
  // Whether the calling thread is in a step that is synchronised.
  static bool wanted();
  // Of x [B, C, ...]; call only where wanted(). Waits for the others.
  static Pooled pool(const torch::Tensor& x);

 private:
  struct PooledMoments;  // the autograd function

  // The sum over all participants of what each brings; a double tensor of one shape. Waits.
  torch::Tensor sum(Scope& scope, const torch::Tensor& part);

  size_t participants_;
  std::mutex turn_;  // held by the participant that computes
  std::condition_variable all_here_;
  std::map<std::string, torch::Tensor> parts_;
  torch::Tensor sum_;
  uint64_t sums_ = 0;  // made so far
  bool broken_ = false;
};

}  // namespace atl::models
