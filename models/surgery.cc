#include "models/surgery.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/any.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <optional>

namespace atl::models {
namespace {

// A norm of torch::nn: where it would stand among our slots, and how to call it.
struct Foreign {
  NormSite site;
  std::string text;
};

template <typename Batch>
std::optional<Foreign> batch_norm(const torch::nn::Module& module, const char* name, int spatial) {
  const auto* norm = module.as<Batch>();
  if (norm == nullptr) return std::nullopt;
  const int64_t channels = norm->options.num_features();
  return Foreign{{channels, spatial}, std::string(name) + "(" + std::to_string(channels) + ")"};
}

std::optional<Foreign> foreign_norm(const torch::nn::Module& module) {
  if (auto found = batch_norm<torch::nn::BatchNorm2d>(module, "BatchNorm2d", 2)) return found;
  if (auto found = batch_norm<torch::nn::BatchNorm1d>(module, "BatchNorm1d", 0)) return found;
  if (auto found = batch_norm<torch::nn::InstanceNorm2d>(module, "InstanceNorm2d", 2)) return found;
  if (const auto* group = module.as<torch::nn::GroupNorm>()) {
    const int64_t channels = group->options.num_channels();
    return Foreign{{channels, 2},
                   "GroupNorm(" + std::to_string(group->options.num_groups()) + ", " +
                       std::to_string(channels) + ")"};
  }
  if (const auto* layer = module.as<torch::nn::LayerNorm>()) {
    const auto& shape = layer->options.normalized_shape();
    std::string text;
    for (int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
    const NormSite site =
        shape.size() == 3 ? NormSite{shape[0], 2, shape[1], shape[2]} : NormSite{shape.back(), 0};
    return Foreign{site, "LayerNorm(" + text + ")"};
  }
  return std::nullopt;
}

// An element of a Sequential that is to become another layer.
struct Place {
  torch::nn::SequentialImpl* parent;
  size_t index;
  std::string child;  // its name in the parent
  NormPtr layer;      // null: nothing in its place
  Replacement report;
};

// Fills `to` (ours) from `from`; true when all that both could have in common was copied.
bool copy_values(const torch::nn::Module& from, NormLayer& to) {
  torch::NoGradGuard no_grad;
  const auto old_parameters = from.named_parameters(false), old_buffers = from.named_buffers(false);
  auto copy = [](const auto& old, const std::string& name, torch::Tensor& out) {
    const auto* value = old.find(name);
    const bool same = value != nullptr && value->defined() && value->sizes() == out.sizes();
    if (same) out.copy_(*value);
    return same;
  };
  bool copied = true;
  for (auto& item : to.named_parameters(false)) {
    if (to.roles().at(item.key()) == Role::kNormGamma) item.value().fill_(1);
    copied = copy(old_parameters, item.key(), item.value()) && copied;
  }
  // Running statistics that there were not are those of no data, and no loss.
  for (auto& item : to.named_buffers(false)) copy(old_buffers, item.key(), item.value());
  return copied && !old_parameters.is_empty();
}

// Device, type and mode of the old layer. Module::to() would make a float of the counter.
void match_place(const torch::nn::Module& from, NormLayer& to) {
  to.train(from.is_training());
  const auto old = from.parameters(false);
  if (old.empty()) return;
  auto move = [&old](torch::Tensor tensor) {
    const auto type = tensor.is_floating_point() ? old[0].scalar_type() : tensor.scalar_type();
    tensor.set_data(tensor.to(old[0].device(), type));
  };
  for (const auto& parameter : to.parameters(false)) move(parameter);
  for (const auto& buffer : to.buffers(false)) move(buffer);
}

class Surgery {
 public:
  Surgery(const NormSpec& spec, const std::function<bool(const std::string&)>& wanted)
      : spec_(spec), wanted_(wanted) {}

  Status look_at(torch::nn::Module& module, const std::string& prefix) {
    auto* sequential = module.as<torch::nn::Sequential>();
    size_t index = 0;
    for (const auto& child : module.named_children()) {
      const auto site = prefix + child.key();
      if (const auto norm = foreign_norm(*child.value())) {
        const bool element = sequential != nullptr && index < sequential->size() &&
                             sequential->ptr(index) == child.value();
        if (!wanted_ || wanted_(site))
          ATOLL_TRY(plan(element ? sequential : nullptr, index, child, site, *norm));
      } else {
        ATOLL_TRY(look_at(*child.value(), site + "."));
      }
      ++index;
    }
    return {};
  }

  std::vector<Replacement> operate() {
    std::vector<Replacement> reports;
    for (auto& place : places_) {
      auto element = place.parent->begin() + static_cast<std::ptrdiff_t>(place.index);
      if (place.layer)
        *element = torch::nn::AnyModule(place.layer);
      else
        *element = torch::nn::AnyModule(torch::nn::Identity());
      place.parent->replace_module(place.child, element->ptr());
      reports.push_back(std::move(place.report));
    }
    return reports;
  }

 private:
  using Child = torch::OrderedDict<std::string, std::shared_ptr<torch::nn::Module>>::Item;

  Status plan(torch::nn::SequentialImpl* parent, size_t index, const Child& child,
              const std::string& site, const Foreign& norm) {
    if (parent == nullptr) {
      return Error(ErrorCode::kUnsupported,
                   site + ", a " + norm.text +
                       ", is a member of its module, which calls it by its "
                       "type: it cannot be exchanged from outside")
          .hint(
              "put it into a torch::nn::Sequential, or build the module from norm slots "
              "(models/model.h)");
    }
    auto made = make_norm(spec_, norm.site);
    if (!made) return std::move(made).error().wrap("cannot replace " + site);
    Place place{parent, index, child.key(), *made, {site, norm.text, spec_.text, false, {}}};
    if (place.layer) {
      match_place(*child.value(), *place.layer);
      place.report.copied = copy_values(*child.value(), *place.layer);
      place.report.note = place.layer->note();
    }
    places_.push_back(std::move(place));
    return {};
  }

  const NormSpec& spec_;
  const std::function<bool(const std::string&)>& wanted_;
  std::vector<Place> places_;
};

}  // namespace

Result<std::vector<Replacement>> replace_norms(
    torch::nn::Module& root, const NormSpec& spec,
    const std::function<bool(const std::string& site)>& wanted) {
  if (spec.weight_std || spec.feature_norm != FeatureNorm::kNone) {
    return Error(ErrorCode::kConfig,
                 "norm \"" + spec.text +
                     "\": ws and fn are not norms of a slot, and cannot replace "
                     "one")
        .hint("name the norm alone, such as ln or gn:8");
  }
  Surgery surgery(spec, wanted);
  ATOLL_TRY(surgery.look_at(root, ""));
  return surgery.operate();
}

}  // namespace atl::models
