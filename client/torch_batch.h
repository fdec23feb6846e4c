// Examples by index -> a batch on the device: gather, normalisation, pad-crop-flip.
#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

#include "client/data/dataset.h"
#include "common/core/rng.h"
#include "models/kernels/gather_images.h"

namespace atl::client {

struct Batch {
  torch::Tensor inputs;  // [B, C, H, W] or [B, F], float32
  torch::Tensor labels;  // [B], int64
};

// Keeps its buffers between batches, rounds and clients. One thread at a time.
class BatchLoader {
 public:
  explicit BatchLoader(torch::Device device) : device_(device) {}

  // Says where the next batches come from. `resident` is the set's bytes on a GPU, undefined on the
  // CPU (see WorkspacePool::resident). `data` must outlive the batches.
  void open(const data::Dataset& data, torch::Tensor resident);
  // The batch is valid until the next load(). `crop` draws the augmentation; null: none.
  Batch load(std::span<const uint32_t> indices, Rng* crop);

 private:
  void grow(int64_t batch);
  void draw(int64_t batch, Rng& crop);
  void load_values(std::span<const uint32_t> indices);
  void load_bytes(std::span<const uint32_t> indices, Rng* crop);
  void launch(kernels::GatherImages gather);

  torch::Device device_;
  const data::Dataset* data_ = nullptr;
  torch::Tensor resident_;
  std::vector<int64_t> shape_;  // of one example
  int32_t channels_ = 0, height_ = 0, width_ = 0;
  std::vector<float> normalize_;       // scales, then shifts, per channel
  std::vector<uint8_t> augmentation_;  // crop_y, crop_x, flip, each [batch]
  torch::Tensor inputs_, labels_, host_inputs_, host_labels_;
  torch::Tensor device_indices_, device_normalize_, device_augmentation_;
};

}  // namespace atl::client
