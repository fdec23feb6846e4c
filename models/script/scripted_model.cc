#include "models/script/scripted_model.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <sstream>

#include "common/core/file.h"
#include "common/tensor/shape.h"
#include "models/script/tensor_roles.h"

namespace atl::models {
namespace {

constexpr const char* kRolesInFile = "atoll.roles";  // lines "NAME ROLE"
constexpr const char* kHowToMake =
    "torch.jit.script(net).save(\"net.pt\") in Python, or models/script/export_torchscript.py";

// LibTorch tells where in its own source and in the script; the last line says what.
std::string reason(const std::exception& error) {
  std::string text = error.what();
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error))
    text = torch_error->what_without_backtrace();
  const auto at = text.rfind("Error: ");
  if (at != std::string::npos) text = text.substr(at + 7);
  return text.substr(0, text.find('\n'));
}

class ScriptedModel : public Model {
 public:
  ScriptedModel(torch::jit::Module script, const std::vector<ScriptTensor>& tensors,
                const std::vector<Role>& roles)
      : Model(NormSpec{}), script_(std::move(script)) {
    for (size_t i = 0; i < tensors.size(); ++i)
      adopt(tensors[i].name, tensors[i].value, tensors[i].parameter, roles[i]);
  }

  torch::Tensor forward(torch::Tensor x) override {
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    return script_.forward({std::move(x)}).toTensor();
  }
  void train(bool on) override {
    script_.train(on);
    Model::train(on);
  }
  void draw_from(Rng randomness) override { torch::manual_seed(randomness.next_u64()); }

 private:
  torch::jit::Module script_;
};

// "__torch__.torch.nn.modules.conv.___torch_mangle_3.Conv2d" -> "Conv2d"
std::string type_of(const torch::jit::Module& module) {
  const auto& name = module.type()->name();
  return name ? name->name() : "";
}

// Module by module, parameters before buffers: as in the state dict.
std::vector<ScriptTensor> tensors_of(const torch::jit::Module& script) {
  std::vector<ScriptTensor> tensors;
  for (const auto& module : script.named_modules()) {
    const auto prefix = module.name.empty() ? "" : module.name + ".";
    const auto type = type_of(module.value);
    for (const auto& item : module.value.named_parameters(/*recurse=*/false))
      tensors.push_back({prefix + item.name, item.value, true, type});
    for (const auto& item : module.value.named_buffers(/*recurse=*/false))
      tensors.push_back({prefix + item.name, item.value, false, type});
  }
  return tensors;
}

// An optimizer would step twice, and two roles could contradict each other.
Status check_unshared(const std::vector<ScriptTensor>& tensors) {
  std::map<const void*, std::string> seen;
  for (const auto& tensor : tensors) {
    if (tensor.value.numel() == 0) continue;
    const auto [at, first] = seen.emplace(tensor.value.const_data_ptr(), tensor.name);
    if (first) continue;
    return Error(ErrorCode::kModel,
                 at->second + " and " + tensor.name + " are one tensor under two names")
        .hint("use the one layer in both places of forward() instead");
  }
  return {};
}

Result<std::map<std::string, Role>> parse_roles(const std::string& text) {
  std::map<std::string, Role> roles;
  std::istringstream lines(text);
  for (std::string name, role; lines >> name >> role;) {
    const auto known = role_from_string(role);
    if (!known) return Error(ErrorCode::kModel, "it gives " + name + " the unknown role " + role);
    roles[name] = *known;
  }
  return roles;
}

Status check_output(ScriptedModel& model, const ModelPlan& plan) {
  const torch::NoGradGuard no_grad;
  std::vector<int64_t> shape = {2};
  shape.insert(shape.end(), plan.input.begin(), plan.input.end());
  torch::Tensor logits;
  model.eval();
  try {
    logits = model.forward(torch::zeros(shape));
  } catch (const std::exception& error) {
    return Error(ErrorCode::kModel,
                 "it does not take examples of " + shape_text(plan.input) + ": " + reason(error))
        .hint("try net(torch.zeros(2, ...)) in Python with the shape of the data");
  }
  if (logits.is_floating_point() && logits.sizes() == torch::IntArrayRef({2, plan.classes}))
    return {};
  return Error(ErrorCode::kModel, "for 2 examples it gives " + shape_text(logits.sizes().vec()) +
                                      " of " + toString(logits.scalar_type()) + "; wanted is 2x" +
                                      std::to_string(plan.classes) + " of Float, a score a class")
      .hint("the last layer must give one score a class, without softmax");
}

Result<ModelPtr> load(const ModelPlan& plan, const ScriptFile& file) {
  torch::jit::ExtraFilesMap extra{{kRolesInFile, ""}};
  torch::jit::Module script;
  try {
    script = torch::jit::load(file.path, torch::kCPU, extra);
  } catch (const std::exception& error) {
    return Error(ErrorCode::kModel, "it is no TorchScript file: " + reason(error)).hint(kHowToMake);
  }
  if (!script.find_method("forward"))
    return Error(ErrorCode::kModel, "it has no forward()").hint(kHowToMake);
  const auto tensors = tensors_of(script);
  if (script.parameters().size() == 0) {
    return Error(ErrorCode::kModel, "it has no parameters; a frozen module has none")
        .hint(kHowToMake);
  }
  ATOLL_TRY(check_unshared(tensors));
  ATOLL_ASSIGN(const auto in_file, parse_roles(extra[kRolesInFile]));
  ATOLL_ASSIGN(const auto roles, roles_of(tensors, file.roles, in_file));
  auto model = std::make_shared<ScriptedModel>(std::move(script), tensors, roles);
  ATOLL_TRY(check_output(*model, plan));
  return ModelPtr(std::move(model));
}

}  // namespace

Result<ModelPtr> load_scripted_model(const ModelPlan& plan, const ScriptFile& file) {
  if (file.path.empty()) {
    return Error(ErrorCode::kConfig,
                 "the run's model is a TorchScript file, and none is named on this machine")
        .hint(
            "torchscript = \"net.pt\" under [model] in client.toml, or under [simulate] in a run "
            "file");
  }
  ATOLL_TRY(File::open_read(file.path));
  if (plan.norm.text != "none") {
    return Error(ErrorCode::kConfig,
                 "a TorchScript model has no slots for the norm " + plan.norm.text)
        .hint("norm = \"none\" under [model] of the run; the file has norms of its own");
  }
  auto model = load(plan, file);
  if (!model) return std::move(model).error().wrap("cannot use " + file.path);
  return model;
}

}  // namespace atl::models
