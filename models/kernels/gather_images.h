// Gathers images of bytes by their indices into a normalised float batch, with pad-crop-flip where
// asked. CPU twin and GPU launch of one body (gather_images_body.h); equal in every bit.
#pragma once

#include "models/kernels/gather_images_body.h"

namespace atl::kernels {

void gather_images_cpu(const GatherImages& gather);

// Enqueues the kernel on `stream` (a cudaStream_t); pointers lie in device memory and must live
// until it has run. Returns null, or CUDA's reason why it could not be launched. Only in builds
// with ATOLL_WITH_CUDA.
const char* gather_images_cuda(const GatherImages& gather, void* stream);

}  // namespace atl::kernels
