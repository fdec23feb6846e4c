#include "models/model.h"

namespace atl::models {

LayerPtr Model::add(const std::string& name, LayerPtr layer) {
  for (const auto& [tensor, role] : layer->roles()) roles_[name + "." + tensor] = role;
  return register_module(name, std::move(layer));
}

LayerPtr Model::add_conv(const std::string& name, const ConvShape& shape, Behind behind) {
  return add(name, make_conv(shape, bias(behind)));
}

LayerPtr Model::add_linear(const std::string& name, int64_t in, int64_t out, Behind behind) {
  return add(name, make_linear(in, out, bias(behind)));
}

LayerPtr Model::add_head(const std::string& name, int64_t in, int64_t out) {
  return add(name, make_linear(in, out, true, Role::kHeadWeight, Role::kHeadBias));
}

NormSlot Model::add_norm(const std::string& name, const NormSite& site) {
  NormSlot slot{name, nullptr};
  auto layer = make_norm(norm_, site);
  if (layer)
    slot.layer = std::move(layer).value();
  else if (built_)
    built_ = std::move(layer).error().wrap("cannot build the layer " + name);
  if (slot.layer) add(name, slot.layer);
  slots_.push_back(slot);
  return slot;
}

}  // namespace atl::models
