// Models by name. Adding a model to Atoll = one file with a builder + one line in the table of
// registry.cc. A program outside adds its own in one file, and calls client_main() or
// workbench_main() (docs/own_model.md):
//
//   Result<ModelPtr> make_mine(const ModelPlan& plan) { ... }
//   ATOLL_REGISTER_MODEL("mine", make_mine);
#pragma once

#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/wire/task.h"
#include "models/model.h"
#include "models/registration.h"
#include "models/script/script_file.h"

namespace atl::models {

// A model on the CPU, its tensors zero: models/state.h fills them. `spec` must name the input
// ({C, H, W}, or {F} for rows) and the number of classes. kConfig when the name or norm is unknown,
// or when the model does not fit the input. `script`: what this machine has for the model
// "torchscript" (script/scripted_model.h tells its errors).
Result<ModelPtr> make_model(const wire::ModelSpec& spec, const ScriptFile& script = {});
std::vector<std::string> model_names();  // of the built-in ones

// What a builder gets: a checked spec with its norm parsed.
struct ModelPlan {
  std::vector<int64_t> input;
  int64_t classes = 0;
  NormSpec norm;

  int64_t features() const;  // elements of one example
  // kConfig unless the input is {C, H, W}.
  Status needs_image(std::string_view model) const;
  // kConfig, naming the least size, unless the image is at least that high and wide.
  Status needs_image_of(std::string_view model, int64_t least) const;
};

// kConfig when the model does not fit the plan. It may be called by several threads at a time.
using ModelBuilder = Result<ModelPtr> (*)(const ModelPlan&);
// From now on make_model() knows it. kConfig when there is such a model already, or the name is not
// one of 1 to 64 letters, digits, '.', '_' or '-'. Before any thread makes models: the list has no
// lock.
Status register_model(std::string_view name, ModelBuilder make);

Result<ModelPtr> make_linear_model(const ModelPlan& plan);
Result<ModelPtr> make_mlp(const ModelPlan& plan);
Result<ModelPtr> make_lenet(const ModelPlan& plan);
Result<ModelPtr> make_cnn_fedavg(const ModelPlan& plan);
Result<ModelPtr> make_vgg11(const ModelPlan& plan);
Result<ModelPtr> make_vgg11_3fc(const ModelPlan& plan);
Result<ModelPtr> make_vgg_mini(const ModelPlan& plan);
Result<ModelPtr> make_resnet8(const ModelPlan& plan);
Result<ModelPtr> make_resnet8_w16(const ModelPlan& plan);
Result<ModelPtr> make_resnet18(const ModelPlan& plan);
Result<ModelPtr> make_cnn3(const ModelPlan& plan);

}  // namespace atl::models

// At namespace scope. A refusal ends the program with exit code 3 and names the line.
#define ATOLL_REGISTER_MODEL(name, make) ATOLL_REGISTER_(::atl::models::register_model(name, make))
