// TorchScript files made here, through LibTorch's own compiler: the very format that Python writes.
#pragma once

#include <torch/script.h>

#include <memory>
#include <string>

namespace atl::testing {

// Modules of one file share a compilation unit.
class ScriptBuilder {
 public:
  torch::jit::Module module(const std::string& type) {
    torch::jit::Module made("__torch__." + type, unit_, /*shouldMangle=*/true);
    made.register_attribute("training", c10::BoolType::get(), true);
    return made;
  }
  static void parameter(torch::jit::Module& module, const std::string& name,
                        torch::IntArrayRef shape) {
    // Values that no rule would draw: a first model comes from the seed.
    module.register_parameter(name, torch::full(shape, 7.0, torch::requires_grad()), false);
  }
  // weight and bias, as of a convolution or linear layer.
  torch::jit::Module layer(const std::string& type, torch::IntArrayRef weight) {
    auto made = module(type);
    parameter(made, "weight", weight);
    parameter(made, "bias", {weight[0]});
    return made;
  }
  // As torch.nn.BatchNorm2d.
  torch::jit::Module batch_norm(int64_t channels) {
    auto made = module("BatchNorm2d");
    parameter(made, "weight", {channels});
    parameter(made, "bias", {channels});
    made.register_buffer("running_mean", torch::zeros({channels}));
    made.register_buffer("running_var", torch::ones({channels}));
    made.register_buffer("num_batches_tracked", torch::zeros({}, torch::kLong));
    made.define(R"(
def forward(self, x):
  if self.training:
    self.num_batches_tracked.add_(1)
  return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.training, 0.1, 1e-5, False)
)");
    return made;
  }

 private:
  std::shared_ptr<torch::jit::CompilationUnit> unit_ =
      std::make_shared<torch::jit::CompilationUnit>();
};

// models/vision/lenet.cc again, for images of `side` and one channel.
inline torch::jit::Module scripted_lenet(int64_t side, int64_t classes) {
  ScriptBuilder build;
  const int64_t left = ((side - 4) / 2 - 4) / 2;
  auto net = build.module("LeNet");
  net.register_module("conv1", build.layer("Conv2d", {6, 1, 5, 5}));
  net.register_module("conv2", build.layer("Conv2d", {16, 6, 5, 5}));
  net.register_module("fc1", build.layer("Linear", {120, 16 * left * left}));
  net.register_module("fc2", build.layer("Linear", {84, 120}));
  net.register_module("fc3", build.layer("Linear", {classes, 84}));
  net.define(R"(
def forward(self, x):
  x = torch.relu(torch.max_pool2d(torch.conv2d(x, self.conv1.weight, self.conv1.bias), [2, 2]))
  x = torch.relu(torch.max_pool2d(torch.conv2d(x, self.conv2.weight, self.conv2.bias), [2, 2]))
  x = torch.relu(torch.linear(torch.flatten(x, 1), self.fc1.weight, self.fc1.bias))
  x = torch.relu(torch.linear(x, self.fc2.weight, self.fc2.bias))
  return torch.linear(x, self.fc3.weight, self.fc3.bias)
)");
  return net;
}

// Rows of `features`: one linear layer.
inline torch::jit::Module scripted_linear(int64_t features, int64_t classes) {
  ScriptBuilder build;
  auto net = build.module("Net");
  net.register_module("fc", build.layer("Linear", {classes, features}));
  net.define("def forward(self, x):\n  return torch.linear(x, self.fc.weight, self.fc.bias)\n");
  return net;
}

}  // namespace atl::testing
