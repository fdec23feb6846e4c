// The Trainer that learns: LibTorch under client/trainer.h. This header is torch-free.
//
// What a round costs and holds. A trainer by itself holds the model's flat bytes, from the first
// receive() to release(). The module, the optimizer's state and the batch buffers belong to a
// workspace, which is leased from a pool for the time of run(): a process with 1,000 clients pays
// for as many workspaces as train at once.
//
// What a result depends on: the seed, the client's name, the round, its data and the settings; and
// on the number of threads, because a reduction inside a kernel is split among them. Not on the
// thread, on what else runs, or on who had the workspace before. The optimizer starts fresh in
// every round. Denormal numbers are flushed to zero while run() lasts (the caller's floating-point
// mode is restored), so that vanishing gradients do not slow a round down.
#pragma once

#include <memory>
#include <string>

#include "client/data/dataset.h"
#include "client/trainer.h"
#include "models/script/script_file.h"

namespace atl::client {

// Shared by the trainers of a process; thread-safe. client/torch_workspace.h has its inside.
class WorkspacePool;
std::shared_ptr<WorkspacePool> make_workspace_pool();

struct TorchTrainerOptions {
  std::string client;               // names the client's random streams
  data::SharedDataset train, test;  // `test` may be null or empty
  data::Indices train_indices, test_indices;
  std::string device = "auto";          // auto: the first GPU if there is one | cpu | cuda:N
  std::string augment = "none";         // none | pad_crop_flip (images of bytes only)
  bool evaluate_after = false;          // evaluate the local model on the test share after training
  int threads = 1;                      // within a kernel; set on the thread that calls run()
  std::shared_ptr<WorkspacePool> pool;  // null: one of its own
  models::ScriptFile script;            // for the model "torchscript"
};

// The model's input and classes come from the data where `spec` leaves them empty. kModel when spec
// and data disagree, kConfig when the model, the norm or an option is unknown or does not fit,
// kData when an index or a label is out of range, kUnsupported when the device is not there; of the
// model "torchscript" see models/script/scripted_model.h.
Result<std::unique_ptr<Trainer>> make_torch_trainer(const wire::ModelSpec& spec,
                                                    TorchTrainerOptions options);

}  // namespace atl::client
