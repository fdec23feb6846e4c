#include "client/torch_batch.h"

#include <cstring>

#include "common/core/check.h"
#ifdef ATOLL_WITH_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

namespace atl::client {

void BatchLoader::open(const data::Dataset& data, torch::Tensor resident) {
  data_ = &data;
  resident_ = std::move(resident);
  if (shape_ != data.shape) {
    shape_ = data.shape;
    inputs_ = host_inputs_ = torch::Tensor();
  }
  if (data.bytes.empty()) return;
  const bool image = shape_.size() == 3;
  channels_ = static_cast<int32_t>(data.mean.size());
  height_ = image ? static_cast<int32_t>(shape_[1]) : 1;
  width_ = static_cast<int32_t>(data.example_elements()) / channels_ / height_;
  normalize_.clear();
  for (float deviation : data.std)
    normalize_.push_back(static_cast<float>(1 / (255.0 * deviation)));
  for (size_t c = 0; c < data.mean.size(); ++c)
    normalize_.push_back(static_cast<float>(-static_cast<double>(data.mean[c]) / data.std[c]));
  if (!device_.is_cpu()) device_normalize_ = torch::tensor(normalize_).to(device_);
}

void BatchLoader::grow(int64_t batch) {
  std::vector<int64_t> shape{batch};
  shape.insert(shape.end(), shape_.begin(), shape_.end());
  if (!host_labels_.defined() || host_labels_.size(0) < batch)
    host_labels_ = torch::empty({batch}, torch::kLong);
  if (!inputs_.defined() || inputs_.size(0) < batch) {
    inputs_ = torch::empty(shape, torch::TensorOptions().device(device_));
    host_inputs_ = torch::Tensor();
  }
  const bool staged = !device_.is_cpu() && data_->bytes.empty();
  if (staged && !host_inputs_.defined()) host_inputs_ = torch::empty(inputs_.sizes());
}

void BatchLoader::draw(int64_t batch, Rng& crop) {
  const auto count = static_cast<size_t>(batch);
  augmentation_.resize(3 * count);
  for (size_t b = 0; b < count; ++b) {
    augmentation_[b] = static_cast<uint8_t>(crop.below(2 * kernels::kCropPad + 1));
    augmentation_[count + b] = static_cast<uint8_t>(crop.below(2 * kernels::kCropPad + 1));
    augmentation_[2 * count + b] = static_cast<uint8_t>(crop.below(2));
  }
}

Batch BatchLoader::load(std::span<const uint32_t> indices, Rng* crop) {
  const auto batch = static_cast<int64_t>(indices.size());
  grow(batch);
  auto* labels = host_labels_.data_ptr<int64_t>();
  for (size_t b = 0; b < indices.size(); ++b) labels[b] = data_->labels[indices[b]];
  if (data_->bytes.empty())
    load_values(indices);
  else
    load_bytes(indices, crop);
  const auto used = host_labels_.narrow(0, 0, batch);
  return {inputs_.narrow(0, 0, batch), device_.is_cpu() ? used : used.to(device_)};
}

void BatchLoader::load_values(std::span<const uint32_t> indices) {
  const size_t elements = data_->example_elements();
  auto& host = device_.is_cpu() ? inputs_ : host_inputs_;
  auto* out = host.data_ptr<float>();
  for (size_t b = 0; b < indices.size(); ++b) {
    std::memcpy(out + b * elements, data_->values.data() + indices[b] * elements,
                elements * sizeof(float));
  }
  if (device_.is_cpu()) return;
  const auto batch = static_cast<int64_t>(indices.size());
  inputs_.narrow(0, 0, batch).copy_(host_inputs_.narrow(0, 0, batch));
}

void BatchLoader::load_bytes(std::span<const uint32_t> indices, Rng* crop) {
  const auto batch = static_cast<int64_t>(indices.size());
  if (crop != nullptr) draw(batch, *crop);
  kernels::GatherImages gather{.pixels = data_->bytes.data(),
                               .indices = indices.data(),
                               .scale = normalize_.data(),
                               .shift = normalize_.data() + channels_,
                               .out = inputs_.data_ptr<float>(),
                               .batch = batch,
                               .channels = channels_,
                               .height = height_,
                               .width = width_};
  if (crop != nullptr) {
    gather.crop_y = augmentation_.data();
    gather.crop_x = gather.crop_y + batch;
    gather.flip = gather.crop_x + batch;
  }
  if (device_.is_cpu())
    gather_images_cpu(gather);
  else
    launch(gather);
}

#ifdef ATOLL_WITH_CUDA
// Replaces every host pointer by its copy on the device.
void BatchLoader::launch(kernels::GatherImages gather) {
  const c10::DeviceGuard on_device(device_);
  auto upload = [this](const void* from, int64_t bytes) {
    auto host = torch::from_blob(const_cast<void*>(from), {bytes}, torch::kByte);
    return host.to(device_);
  };
  device_indices_ = upload(gather.indices, gather.batch * 4);
  gather.pixels = resident_.const_data_ptr<uint8_t>();
  gather.indices = static_cast<const uint32_t*>(device_indices_.const_data_ptr());
  gather.scale = device_normalize_.const_data_ptr<float>();
  gather.shift = gather.scale + gather.channels;
  if (gather.crop_y != nullptr) {
    device_augmentation_ = upload(gather.crop_y, 3 * gather.batch);
    gather.crop_y = device_augmentation_.const_data_ptr<uint8_t>();
    gather.crop_x = gather.crop_y + gather.batch;
    gather.flip = gather.crop_x + gather.batch;
  }
  const auto stream = c10::cuda::getCurrentCUDAStream(device_.index());
  const char* failed = kernels::gather_images_cuda(gather, stream.stream());
  TORCH_CHECK(failed == nullptr, "the gather kernel: ", failed == nullptr ? "" : failed);
}
#else
void BatchLoader::launch(kernels::GatherImages) {
  ATOLL_CHECK(false, "a build without CUDA has no CUDA device");
}
#endif

}  // namespace atl::client
