#include "models/registry.h"

#include <array>

#include "common/wire/message.h"
#include "common/wire/torchscript.h"
#include "models/script/scripted_model.h"

namespace atl::models {
namespace {

struct Entry {
  std::string_view name;
  ModelBuilder make;
};

constexpr std::array kModels = {
    Entry{"linear", make_linear_model},
    Entry{"mlp", make_mlp},
    Entry{"lenet", make_lenet},
    Entry{"cnn_fedavg", make_cnn_fedavg},
    Entry{"vgg11", make_vgg11},
    Entry{"vgg11_3fc", make_vgg11_3fc},
    Entry{"vgg_mini", make_vgg_mini},
    Entry{"resnet8", make_resnet8},
    Entry{"resnet8_w16", make_resnet8_w16},
    Entry{"resnet18", make_resnet18},
    Entry{"cnn3", make_cnn3},
};

struct Registered {
  std::string name;
  ModelBuilder make;
};
std::vector<Registered>& registered() {
  static std::vector<Registered> models;
  return models;
}

// Null: there is none.
ModelBuilder find_model(std::string_view name) {
  for (const auto& entry : kModels)
    if (entry.name == name) return entry.make;
  for (const auto& entry : registered())
    if (entry.name == name) return entry.make;
  return nullptr;
}

// Beyond this an input is a mistake, not an image.
constexpr int64_t kMaxFeatures = int64_t{1} << 31;

Result<ModelPlan> make_plan(const wire::ModelSpec& spec) {
  ModelPlan plan{.input = spec.input, .classes = spec.classes};
  if (plan.input.size() != 1 && plan.input.size() != 3) {
    return Error(ErrorCode::kConfig, "a model's input is [C, H, W] or [F], not a list of " +
                                         std::to_string(plan.input.size()) + " numbers");
  }
  int64_t features = 1;
  for (int64_t extent : plan.input) {
    if (extent < 1 || extent > kMaxFeatures || (features *= extent) > kMaxFeatures)
      return Error(ErrorCode::kConfig, "a model's input must have from 1 to 2^31 elements");
  }
  if (plan.classes < 1) return Error(ErrorCode::kConfig, "a model needs at least one class");
  ATOLL_ASSIGN(plan.norm, parse_norm(spec.norm));
  return plan;
}

}  // namespace

int64_t ModelPlan::features() const {
  int64_t product = 1;
  for (int64_t extent : input) product *= extent;
  return product;
}

Status ModelPlan::needs_image(std::string_view model) const {
  if (input.size() == 3) return {};
  return Error(ErrorCode::kConfig,
               "the model " + std::string(model) + " takes images [C, H, W], not rows of a table");
}

Status ModelPlan::needs_image_of(std::string_view model, int64_t least) const {
  ATOLL_TRY(needs_image(model));
  if (input[1] >= least && input[2] >= least) return {};
  const auto side = std::to_string(least);
  return Error(ErrorCode::kConfig, "the model " + std::string(model) +
                                       " needs images of at least " + side + "x" + side +
                                       ", these are " + std::to_string(input[1]) + "x" +
                                       std::to_string(input[2]));
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : kModels) names.emplace_back(entry.name);
  for (const auto& entry : registered()) names.push_back(entry.name);
  return names;
}

Status register_model(std::string_view name, ModelBuilder make) {
  if (!wire::is_valid_name(name))
    return Error(ErrorCode::kConfig, "the model name \"" + std::string(name) +
                                         "\" is not 1 to 64 letters, digits, '.', '_' or '-'");
  if (name == wire::kTorchScript || find_model(name) != nullptr)
    return Error(ErrorCode::kConfig, "there is a model " + std::string(name) + " already")
        .hint("give it another name, and say that in [model] name");
  registered().push_back({std::string(name), make});
  return {};
}

Result<ModelPtr> make_model(const wire::ModelSpec& spec, const ScriptFile& script) {
  if (spec.name == wire::kTorchScript) {
    ATOLL_ASSIGN(const auto plan, make_plan(spec));
    return load_scripted_model(plan, script);
  }
  const auto make = find_model(spec.name);
  if (make == nullptr) {
    std::string known;
    for (const auto& name : model_names()) known += name + ", ";
    known += wire::kTorchScript;
    return Error(ErrorCode::kConfig, "unknown model \"" + spec.name + "\"; there are " + known)
        .hint("a model of your own needs a program of your own: docs/own_model.md");
  }
  ATOLL_ASSIGN(auto plan, make_plan(spec));
  ATOLL_ASSIGN(auto model, make(plan));
  if (!model->built()) {
    auto why = model->built().error();
    return std::move(why).wrap("cannot build the model " + spec.name);
  }
  return model;
}

}  // namespace atl::models
