#include "experiments/workbench/torch_facts.h"

#include <torch/cuda.h>
#include <torch/version.h>

#include "client/torch_guards.h"
#ifdef ATOLL_WITH_CUDA
#include <ATen/cuda/CUDAContextLight.h>
#endif

namespace atl::workbench {

TorchFacts torch_facts() {
  TorchFacts facts;
  facts.version = TORCH_VERSION;
#ifdef ATOLL_WITH_CUDA
  facts.cuda_built = true;
  const int devices = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
  for (int i = 0; i < devices; ++i)
    facts.devices.emplace_back(at::cuda::getDeviceProperties(i)->name);
#endif
  facts.check_device = [](const std::string& device) -> Status {
    auto found = client::parse_device(device);
    if (!found) return std::move(found).error();
    return {};
  };
  return facts;
}

}  // namespace atl::workbench
