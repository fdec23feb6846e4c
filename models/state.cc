#include "models/state.h"

#include <cmath>
#include <cstring>
#include <unordered_map>

#include "common/core/rng.h"

namespace atl::models {
namespace {

DType dtype_of(const torch::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat:
      return DType::kF32;
    case torch::kDouble:
      return DType::kF64;
    case torch::kHalf:
      return DType::kF16;
    case torch::kBFloat16:
      return DType::kBF16;
    case torch::kLong:
      return DType::kI64;
    case torch::kInt:
      return DType::kI32;
    case torch::kByte:
      return DType::kU8;
    default:
      ATOLL_CHECK(false, "a model's tensors have an element type that may travel");
      return DType::kF32;
  }
}

struct Named {
  std::string name;
  torch::Tensor tensor;
  int64_t fan_in = 0;  // its own, or that of the weight it lies beside; 0 without one
};

int64_t fan_in_of(const torch::Tensor& weight) {
  return weight.dim() > 1 ? weight.numel() / std::max<int64_t>(1, weight.size(0)) : 0;
}

// As in PyTorch's state dict: module by module, parameters before buffers.
std::vector<Named> named_tensors(const Model& model) {
  std::vector<Named> all;
  for (const auto& module : model.named_modules()) {
    const auto prefix = module.key().empty() ? "" : module.key() + ".";
    const auto parameters = module.value()->named_parameters(/*recurse=*/false);
    for (const auto& item : parameters) {
      const auto* weight = parameters.find(weight_beside(item.key()));
      all.push_back({prefix + item.key(), item.value(),
                     fan_in_of(weight != nullptr ? *weight : item.value())});
    }
    for (const auto& item : module.value()->named_buffers(/*recurse=*/false))
      all.push_back({prefix + item.key(), item.value()});
  }
  return all;
}

Role role_of(const Model& model, const std::string& name) {
  const auto found = model.roles().find(name);
  ATOLL_CHECK(found != model.roles().end(), "tensor without a role: " + name);
  return found->second;
}

// The tensor's bytes in the memory of this process: itself on the CPU, else a copy.
torch::Tensor on_host(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU).contiguous();
}

void fill(torch::Tensor& tensor, const Named& named, Role role, uint64_t seed) {
  switch (role) {
    case Role::kNormGamma:
    case Role::kNormVar:
    case Role::kWsGain:
      tensor.fill_(1);
      return;
    case Role::kNormBeta:
    case Role::kNormMean:
    case Role::kNormCount:
    case Role::kMixLogit:
    case Role::kOtherBuffer:
      tensor.fill_(0);
      return;
    default:
      break;
  }
  ATOLL_CHECK(tensor.scalar_type() == torch::kFloat, "random initial values are float");
  Rng rng(seed, "init", named.name);
  auto* values = tensor.data_ptr<float>();
  const int64_t count = tensor.numel();
  if (role == Role::kEmbedding) {
    for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(rng.normal());
    return;
  }
  ATOLL_CHECK(named.fan_in > 0 || count == 0, "a layer's bias lies beside its weight");
  const double bound = 1 / std::sqrt(static_cast<double>(named.fan_in));
  for (int64_t i = 0; i < count; ++i)
    values[i] = static_cast<float>((2 * rng.uniform() - 1) * bound);
}

}  // namespace

std::string weight_beside(const std::string& bias) {
  const auto own = bias.rfind('.') + 1;  // 0 where there is no dot
  const auto at = bias.find("bias", own);
  auto name = bias;
  return at == std::string::npos ? "" : name.replace(at, 4, "weight");
}

Manifest manifest_of(const Model& model) {
  std::vector<TensorSpec> specs;
  for (const auto& [name, tensor, fan_in] : named_tensors(model)) {
    specs.push_back({.name = name,
                     .dtype = dtype_of(tensor),
                     .shape = tensor.sizes().vec(),
                     .role = role_of(model, name)});
  }
  auto manifest = Manifest::make(std::move(specs));
  ATOLL_CHECK(manifest.ok(), "a model's own manifest is valid: " + manifest.error().message());
  return std::move(manifest).value();
}

ModelState::ModelState(const Model& model) : manifest_(manifest_of(model)) {
  std::unordered_map<std::string, torch::Tensor> by_name;
  for (auto& named : named_tensors(model)) by_name[named.name] = named.tensor;
  for (const auto& spec : manifest_.tensors()) tensors_.push_back(by_name.at(spec.name));
}

void ModelState::load(ByteView flat) const {
  ATOLL_CHECK(flat.size() == manifest_.total_bytes(), "flat bytes of another model");
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto& spec = manifest_.tensors()[i];
    const auto piece = flat.subspan(spec.offset, spec.bytes());
    if (piece.empty()) continue;
    if (tensors_[i].is_cpu() && tensors_[i].is_contiguous()) {
      std::memcpy(tensors_[i].data_ptr(), piece.data(), piece.size());
    } else {
      // from_blob() takes a mutable pointer and is only read here.
      auto* data = const_cast<std::byte*>(piece.data());
      tensors_[i].detach().copy_(
          torch::from_blob(data, spec.shape, tensors_[i].options().device(torch::kCPU)));
    }
  }
}

void ModelState::store(MutableByteView flat) const {
  ATOLL_CHECK(flat.size() == manifest_.total_bytes(), "flat bytes of another model");
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto& spec = manifest_.tensors()[i];
    if (spec.bytes() == 0) continue;
    const auto host = on_host(tensors_[i]);
    std::memcpy(flat.data() + spec.offset, host.data_ptr(), spec.bytes());
  }
}

double ModelState::distance_to(ByteView flat) const {
  ATOLL_CHECK(flat.size() == manifest_.total_bytes(), "flat bytes of another model");
  double sum = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto& spec = manifest_.tensors()[i];
    if (!is_trainable(spec.role) || spec.elements == 0) continue;
    ATOLL_CHECK(spec.dtype == DType::kF32, "trainable tensors are float");
    const auto host = on_host(tensors_[i]);
    const auto* now = host.const_data_ptr<float>();
    for (uint64_t k = 0; k < spec.elements; ++k) {
      float before = 0;
      std::memcpy(&before, flat.data() + spec.offset + k * sizeof(float), sizeof(float));
      const double change = static_cast<double>(now[k]) - static_cast<double>(before);
      sum += change * change;
    }
  }
  return std::sqrt(sum);
}

void initialize(Model& model, uint64_t seed) {
  torch::NoGradGuard no_grad;
  for (auto& named : named_tensors(model)) {
    auto host = on_host(named.tensor);
    fill(host, named, role_of(model, named.name), seed);
    if (host.data_ptr() != named.tensor.data_ptr()) named.tensor.copy_(host);
  }
}

}  // namespace atl::models
