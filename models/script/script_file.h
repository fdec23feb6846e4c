// A TorchScript file as the machine that runs it names it, in a configuration of its own. It is a
// program: nothing of this ever comes from a peer, and nothing of it goes to one but the names,
// shapes and roles of its tensors. Torch-free.
#pragma once

#include <map>
#include <string>

#include "common/tensor/role.h"

namespace atl::models {

struct ScriptFile {
  std::string path;                   // torchscript; empty: none is named
  std::map<std::string, Role> roles;  // roles: of tensors, by name; they win over the file's own
};

}  // namespace atl::models
