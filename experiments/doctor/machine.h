// This machine, whatever is to run on it: processor, memory, disk, descriptors, clock, LibTorch,
// data sets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/identity.h"
#include "experiments/doctor/findings.h"

namespace atl::workbench {

// What a build with LibTorch knows of it. As it stands: a build without.
struct TorchFacts {
  std::string version;               // "" without LibTorch
  bool cuda_built = false;           // with the CUDA kernels
  std::vector<std::string> devices;  // CUDA devices by name
  // Whether [compute] device can be had here; empty without LibTorch.
  std::function<Status(const std::string& device)> check_device;
};

struct Memory {
  uint64_t total = 0, available = 0;  // bytes; of the control group where that allows less
};

void check_machine(Findings& findings, const TorchFacts& torch, net::WallTime now);
// Free space where state would be written; `need` bytes, 0 when unknown. A path that is not there
// yet is looked up at its nearest folder.
void check_disk(Findings& findings, const std::string& path, uint64_t need);
// Whether `bytes` fit into what is free now. `what` is a subject and its verb: "digits takes".
void check_memory(Findings& findings, const std::string& what, uint64_t bytes);
// Which sets of the catalogue are on this machine, by presence.
void check_sets_at_hand(Findings& findings);

Memory memory_here();

// What /proc/cpuinfo's text tells. Apart for tests.
struct Processor {
  std::string name;
  bool x86 = false, avx2 = false, avx512 = false;
};
Processor processor_of(std::string_view cpuinfo);

}  // namespace atl::workbench
