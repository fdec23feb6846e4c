#include <cuda_runtime.h>

#include <climits>

#include "models/kernels/gather_images.h"

namespace atl::kernels {
namespace {

__global__ void gather_images_kernel(GatherImages gather) {
  gather_images_thread(gather, blockIdx.x, static_cast<int32_t>(threadIdx.x));
}

}  // namespace

const char* gather_images_cuda(const GatherImages& gather, void* stream) {
  const int64_t blocks = gather_images_blocks(gather);
  if (blocks == 0) return nullptr;
  if (blocks > INT_MAX) return "a batch has too many elements for one launch";
  gather_images_kernel<<<static_cast<unsigned>(blocks), kGatherThreads, 0,
                         static_cast<cudaStream_t>(stream)>>>(gather);
  const auto status = cudaGetLastError();
  return status == cudaSuccess ? nullptr : cudaGetErrorString(status);
}

}  // namespace atl::kernels
