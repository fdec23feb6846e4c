// A model: a LibTorch module whose every tensor has a role, built from a ModelSpec by name
// (registry.h). State-dict names are PyTorch's usual ones ("conv1.weight"), so that the exported
// file loads there.
//
// A concrete model asks this class for its layers and writes its forward(). It never names a norm:
// add_norm() puts there what the run file says, and a layer with a norm behind it drops its bias
// where the norm brings one.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/tensor/role.h"
#include "models/layer.h"
#include "models/norm/norm.h"
#include "models/tap.h"

namespace atl::models {

// Not thread-safe: one model is used by one thread at a time.
class Model : public torch::nn::Module {
 public:
  explicit Model(NormSpec norm) : norm_(std::move(norm)) {}

  // images: [B, C, H, W] (or rows [B, F]) float32 on the model's device -> logits [B, classes].
  virtual torch::Tensor forward(torch::Tensor x) = 0;

  // Roles of parameters and buffers by state-dict name. Assigned when a layer is registered; a
  // tensor without a role is a bug and aborts in manifest_of().
  const std::map<std::string, Role>& roles() const { return roles_; }
  // In the order of the forward pass.
  const std::vector<NormSlot>& norm_slots() const { return slots_; }
  // What the slots do otherwise than asked, one line each ("norm1: 6 channels do not ...").
  const std::vector<std::string>& notes() const { return notes_; }
  // Round the training of one round (from 1) by a client: norms whose statistics change from round
  // to round begin and settle them. An interrupted training needs no end.
  void begin_round(uint32_t round, uint32_t total_rounds);
  void end_round();
  // Where dropout draws from, so that a round's arithmetic depends on nothing but its names.
  virtual void draw_from(Rng randomness) { randomness_ = std::move(randomness); }
  // Hears every forward pass from now on; null: nobody does. Must outlive them.
  void set_tap(Tap* tap) { tap_ = tap; }
  // What went wrong while the layers were made; make_model() hands it on.
  const Status& built() const { return built_; }

 protected:
  // What follows the layer, which has a bias where nothing else shifts its output. kNoBias: it
  // goes without in any case.
  enum class Behind { kNothing, kNorm, kNoBias };

  // Names may have dots ("layer1.0.conv1"): they become modules within modules.
  LayerPtr add_conv(const std::string& name, const ConvShape& shape, Behind behind);
  LayerPtr add_linear(const std::string& name, int64_t in, int64_t out, Behind behind);
  // The last layer: features -> logits; normalises the features where the norm says "fn".
  LayerPtr add_head(const std::string& name, int64_t in, int64_t out);
  NormSlot add_norm(const std::string& name, const NormSite& site);
  // forward() passes every slot with both: apply() normalises h, the output of the layer in front;
  // behind() is told what becomes of it (Tap::behind) and hands it on.
  torch::Tensor apply(const NormSlot& slot, const torch::Tensor& h) const {
    if (tap_ != nullptr) tap_->before(slot.site, h);
    return slot.layer ? slot.layer->forward(h) : h;
  }
  torch::Tensor behind(const NormSlot& slot, torch::Tensor z) const {
    if (tap_ != nullptr) tap_->behind(slot.site, z);
    return z;
  }
  // For models whose layers are made elsewhere: takes a tensor in under its whole name. Modules on
  // the way are made where they are missing, in the order of the calls.
  void adopt(const std::string& name, torch::Tensor tensor, bool is_parameter, Role role);
  // Dropout: in training every element is 0 with probability p, else divided by 1 - p.
  torch::Tensor drop(const torch::Tensor& x, double p);

 private:
  LayerPtr add(const std::string& name, LayerPtr layer);
  torch::nn::Module& parent_of(const std::string& name);
  bool bias(Behind behind) const {
    return behind == Behind::kNothing || (behind == Behind::kNorm && !norm_.shifts());
  }

  NormSpec norm_;
  std::map<std::string, Role> roles_;
  std::vector<NormSlot> slots_;
  std::vector<std::string> notes_;
  Tap* tap_ = nullptr;
  Rng randomness_{0, "dropout"};
  Status built_;
};
using ModelPtr = std::shared_ptr<Model>;

}  // namespace atl::models
