// Models by name. Adding a model = one file with a builder + one line in the table of registry.cc.
#pragma once

#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/wire/task.h"
#include "models/model.h"
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
