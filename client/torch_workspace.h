// What training needs beside the flat bytes: the module, the optimizer's state, batch buffers.
// Leased from a pool for the time of one run().
#pragma once

#include <torch/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/torch_batch.h"
#include "client/torch_optimizer.h"
#include "common/core/result.h"
#include "common/wire/task.h"
#include "models/model.h"
#include "models/script/script_file.h"
#include "models/state.h"

namespace atl::client {

// Used by one thread at a time. Whoever leases it finds values of an earlier user in it and must
// load the model and begin() the optimizer before use.
struct Workspace {
  Workspace(models::ModelPtr model, torch::Device device);

  torch::Device device;
  models::ModelPtr model;
  models::ModelState state;
  LocalOptimizer optimizer;
  BatchLoader batches;
};

// Thread-safe. Workspaces that are given back wait for the next lease of the same model on the same
// device, so there are never more than have been in use at once.
class WorkspacePool {
 public:
  // Gives the workspace back when it goes. Must not outlive the pool.
  class Lease {
   public:
    Lease(WorkspacePool& pool, std::string key, std::unique_ptr<Workspace> workspace)
        : pool_(&pool), key_(std::move(key)), workspace_(std::move(workspace)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (workspace_ != nullptr) pool_->give_back(key_, std::move(workspace_));
    }
    Workspace* operator->() const { return workspace_.get(); }
    Workspace& operator*() const { return *workspace_; }

   private:
    WorkspacePool* pool_;
    std::string key_;
    std::unique_ptr<Workspace> workspace_;
  };

  // `spec` is complete: it names the input and the classes. Errors of models::make_model().
  Result<Lease> lease(const wire::ModelSpec& spec, torch::Device device,
                      const models::ScriptFile& script = {});

  // The bytes of a data set on a GPU, copied there once; undefined for the CPU and for sets of
  // values. The pool keeps the set alive.
  torch::Tensor resident(const data::SharedDataset& data, torch::Device device);

  size_t idle() const;  // workspaces that wait

 private:
  void give_back(const std::string& key, std::unique_ptr<Workspace> workspace);

  // Where a norm is not what was asked for: said once per model.
  void tell(const std::string& key, const std::vector<std::string>& notes);

  struct Resident {
    data::SharedDataset data;
    torch::Tensor bytes;
  };
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<Workspace>>> idle_;
  std::set<std::string> told_;
  std::map<std::pair<const data::Dataset*, std::string>, Resident> residents_;
};

}  // namespace atl::client
