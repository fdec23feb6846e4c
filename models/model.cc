#include "models/model.h"

#include "models/norm/feature_norm.h"

namespace atl::models {

namespace {

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

// Made with all that is above it.
torch::nn::Module& Model::parent_of(const std::string& name) {
  torch::nn::Module* parent = this;
  std::string rest = name;
  for (auto dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
    const auto step = rest.substr(0, dot);
    rest = rest.substr(dot + 1);
    const auto children = parent->named_children();
    const auto* child = children.find(step);
    parent = child != nullptr
                 ? child->get()
                 : parent->register_module(step, std::make_shared<torch::nn::Module>()).get();
  }
  return *parent;
}

LayerPtr Model::add(const std::string& name, LayerPtr layer) {
  for (const auto& [tensor, role] : layer->roles()) roles_[name + "." + tensor] = role;
  return parent_of(name).register_module(last_part(name), std::move(layer));
}

void Model::adopt(const std::string& name, torch::Tensor tensor, bool is_parameter, Role role) {
  roles_[name] = role;
  auto& parent = parent_of(name);
  if (is_parameter) {
    const bool learns = tensor.requires_grad();
    parent.register_parameter(last_part(name), std::move(tensor), learns);
  } else {
    parent.register_buffer(last_part(name), std::move(tensor));
  }
}

LayerPtr Model::add_conv(const std::string& name, const ConvShape& shape, Behind behind) {
  return add(name,
             norm_.weight_std ? make_ws_conv(shape, bias(behind)) : make_conv(shape, bias(behind)));
}

LayerPtr Model::add_linear(const std::string& name, int64_t in, int64_t out, Behind behind) {
  return add(name, make_linear(in, out, bias(behind)));
}

LayerPtr Model::add_head(const std::string& name, int64_t in, int64_t out) {
  return add(name, make_head(in, out, norm_));
}

NormSlot Model::add_norm(const std::string& name, const NormSite& site) {
  NormSlot slot{name, nullptr};
  auto layer = make_norm(norm_, site);
  if (layer)
    slot.layer = std::move(layer).value();
  else if (built_)
    built_ = std::move(layer).error().wrap("cannot build the layer " + name);
  if (slot.layer) {
    add(name, slot.layer);
    if (!slot.layer->note().empty()) notes_.push_back(name + ": " + slot.layer->note());
  }
  slots_.push_back(slot);
  return slot;
}

torch::Tensor Model::drop(const torch::Tensor& x, double p) {
  if (!is_training()) return x;
  // On the CPU for every device: one sequence of numbers, one result.
  auto mask = torch::empty(x.sizes(), torch::kFloat);
  const auto below = static_cast<uint64_t>(p * 0x1p32);
  const auto kept = static_cast<float>(1 / (1 - p));
  auto* values = mask.data_ptr<float>();
  for (int64_t i = 0; i < mask.numel(); ++i) values[i] = randomness_.next_u32() < below ? 0 : kept;
  return x * mask.to(x.device(), x.scalar_type());
}

void Model::begin_round(uint32_t round, uint32_t total_rounds) {
  for (const auto& slot : slots_)
    if (slot.layer) slot.layer->begin_round(round, total_rounds);
}

void Model::end_round() {
  for (const auto& slot : slots_)
    if (slot.layer) slot.layer->end_round();
}

}  // namespace atl::models
