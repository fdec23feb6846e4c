// Tensors that stay with the client, around any trainer: under a policy such as fedbn or silobn
// some roles are each client's own (wire::RoleRules).
//
// Before run() the trainer's own values of the local roles take the place of those received, and
// reset roles begin anew (variances 1, all else 0): so training and evaluation both see them. After
// a training the local values are kept (local_state.h). Whoever reads the update gets for all these
// tensors, and for fixed ones, the bytes that were received: they cannot leave the client.
#pragma once

#include <memory>
#include <string>

#include "client/trainer.h"

namespace atl::client {

// `folder`: where local values are kept, made when needed; empty: in memory. They belong to this
// run (its name and identity, seed and number of rounds) and this client.
std::unique_ptr<Trainer> keep_local(std::unique_ptr<Trainer> trainer, std::string folder,
                                    std::string run, std::string client);

}  // namespace atl::client
