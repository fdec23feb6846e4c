// NormLayer: what fills a norm slot (norm.h), and the slot itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/layer.h"

namespace atl::models {

// Where a layer that knows running statistics takes those from that it normalises with.
enum class Statistics {
  kUsual,       // the batch in training, the running ones in evaluation
  kBatch,       // the batch; the running ones are neither used nor touched
  kCumulative,  // the batch; the running ones become the plain mean over all batches from here on
  kRunning,     // the running ones, in training too, and they stay as they are
};

class NormLayer : public Layer {
 public:
  // kCumulative forgets the running statistics and begins anew. A layer without any does nothing.
  virtual void use(Statistics) {}
  virtual bool has_running_statistics() const { return false; }
  // A client's training of one round (from 1) begins and ends, for norms whose statistics change
  // from round to round.
  virtual void begin_round(uint32_t /*round*/, uint32_t /*total_rounds*/) {}
  virtual void end_round() {}
  // Where the layer does otherwise than the run file asks, because the site does not allow it: what
  // it does. For the user to read; empty: as asked.
  const std::string& note() const { return note_; }

 protected:
  // gamma and beta of this shape, or neither.
  void add_affine(torch::IntArrayRef shape, bool affine) {
    if (!affine) return;
    gamma_ = add_parameter("weight", shape, Role::kNormGamma);
    beta_ = add_parameter("bias", shape, Role::kNormBeta);
  }
  void set_note(std::string note) { note_ = std::move(note); }

  torch::Tensor gamma_, beta_;  // undefined without an affine part

 private:
  std::string note_;
};
using NormPtr = std::shared_ptr<NormLayer>;

// A place for a norm in a model. `layer` is null where there is none.
struct NormSlot {
  std::string site;  // "norm1": the name of its tensors in the state dict
  NormPtr layer;
};

// A value per channel as [1, C, 1, ...], to be used with x.
inline torch::Tensor per_channel(const torch::Tensor& values, const torch::Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[1] = values.size(0);
  return values.view(shape);
}
// Every dimension but the channels.
inline std::vector<int64_t> all_but_channels(const torch::Tensor& x) {
  std::vector<int64_t> dims{0};
  for (int64_t d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}
// gamma x + beta per channel, where there is an affine part.
inline torch::Tensor affine(const torch::Tensor& x, const torch::Tensor& gamma,
                            const torch::Tensor& beta) {
  if (!gamma.defined()) return x;
  return x * per_channel(gamma, x) + per_channel(beta, x);
}

}  // namespace atl::models
