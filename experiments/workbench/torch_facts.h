// What this build's LibTorch is, and which devices it sees: for `atoll doctor`. Torch-free header.
#pragma once

#include "experiments/doctor/machine.h"

namespace atl::workbench {

TorchFacts torch_facts();

}  // namespace atl::workbench
