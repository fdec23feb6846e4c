#include "client/torch_workspace.h"

#include "client/torch_trainer.h"
#include "common/core/log.h"
#include "models/registry.h"

namespace atl::client {
namespace {

models::ModelPtr on_device(models::ModelPtr model, torch::Device device) {
  model->to(device);
  return model;
}

std::string key_of(const wire::ModelSpec& spec, torch::Device device,
                   const models::ScriptFile& script) {
  auto key = spec.name + "|" + spec.norm + "|" + std::to_string(spec.classes) + "|" + device.str();
  for (int64_t extent : spec.input) key.append("|").append(std::to_string(extent));
  key += "|" + script.path;
  return key;
}

}  // namespace

Workspace::Workspace(models::ModelPtr made, torch::Device place)
    : device(place),
      model(on_device(std::move(made), place)),
      state(*model),
      optimizer(model->parameters(),
                place.is_cpu() ? LocalOptimizer::Path::kLoops : LocalOptimizer::Path::kOperators),
      batches(place) {}

std::shared_ptr<WorkspacePool> make_workspace_pool() { return std::make_shared<WorkspacePool>(); }

Result<WorkspacePool::Lease> WorkspacePool::lease(const wire::ModelSpec& spec, torch::Device device,
                                                  const models::ScriptFile& script) {
  auto key = key_of(spec, device, script);
  {
    std::lock_guard lock(mutex_);
    auto& idle = idle_[key];
    if (!idle.empty()) {
      auto workspace = std::move(idle.back());
      idle.pop_back();
      return Lease(*this, std::move(key), std::move(workspace));
    }
  }
  ATOLL_ASSIGN(auto model, models::make_model(spec, script));
  tell(key, model->notes());
  return Lease(*this, std::move(key), std::make_unique<Workspace>(std::move(model), device));
}

void WorkspacePool::tell(const std::string& key, const std::vector<std::string>& notes) {
  std::lock_guard lock(mutex_);
  if (!told_.insert(key).second) return;
  for (const auto& note : notes) log::warn("models", note);
}

void WorkspacePool::give_back(const std::string& key, std::unique_ptr<Workspace> workspace) {
  workspace->optimizer.zero_grad();
  std::lock_guard lock(mutex_);
  idle_[key].push_back(std::move(workspace));
}

torch::Tensor WorkspacePool::resident(const data::SharedDataset& data, torch::Device device) {
  if (device.is_cpu() || data->bytes.empty()) return {};
  std::lock_guard lock(mutex_);
  auto& entry = residents_[{data.get(), device.str()}];
  if (!entry.bytes.defined()) {
    auto* bytes = const_cast<uint8_t*>(data->bytes.data());  // from_blob() is only read here
    const auto count = static_cast<int64_t>(data->bytes.size());
    entry = {data, torch::from_blob(bytes, {count}, torch::kByte).to(device)};
  }
  return entry.bytes;
}

size_t WorkspacePool::idle() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [key, workspaces] : idle_) count += workspaces.size();
  return count;
}

}  // namespace atl::client
