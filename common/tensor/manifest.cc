#include "common/tensor/manifest.h"

#include <algorithm>
#include <unordered_set>

namespace atl {
namespace {

constexpr size_t kMaxName = 256;
constexpr size_t kMaxDimensions = 8;

Error bad(const std::string& name, const std::string& why) {
  return Error(ErrorCode::kProtocol, "tensor \"" + name.substr(0, kMaxName) + "\" " + why);
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status check_and_count(TensorSpec& tensor) {
  if (tensor.name.empty() || tensor.name.size() > kMaxName)
    return bad(tensor.name, "has a name of a wrong length");
  if (tensor.name == "__metadata__") return bad(tensor.name, "has the name of the file's metadata");
  if (!std::all_of(tensor.name.begin(), tensor.name.end(), is_name_character)) {
    return bad(tensor.name,
               "has a name with characters other than letters, digits, '.', '_' and '-'");
  }
  if (tensor.shape.size() > kMaxDimensions) return bad(tensor.name, "has more than 8 dimensions");
  uint64_t elements = 1;
  for (int64_t extent : tensor.shape) {
    if (extent < 0) return bad(tensor.name, "has a negative extent");
    if (__builtin_mul_overflow(elements, static_cast<uint64_t>(extent), &elements) ||
        elements > Manifest::kMaxBytes) {
      return bad(tensor.name, "is too large");
    }
  }
  tensor.elements = elements;
  return {};
}

Digest digest_of(const std::vector<TensorSpec>& tensors) {
  Sha256 hash;
  std::string text;
  for (const auto& tensor : tensors) {
    text = tensor.name + "|" + std::string(to_string(tensor.dtype)) + "|" +
           std::string(to_string(tensor.role));
    for (int64_t extent : tensor.shape) text += "|" + std::to_string(extent);
    text += "\n";
    hash.update(as_bytes(text));
  }
  return hash.finish();
}

std::string line(const TensorSpec* tensor) {
  if (tensor == nullptr) return "(none)";
  std::string text = tensor->name + " " + std::string(to_string(tensor->dtype)) + "[";
  for (size_t i = 0; i < tensor->shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(tensor->shape[i]);
  return text + "] " + std::string(to_string(tensor->role));
}

}  // namespace

Result<Manifest> Manifest::make(std::vector<TensorSpec> tensors) {
  if (tensors.size() > kMaxTensors)
    return Error(ErrorCode::kProtocol, "a model of more than 1,000,000 tensors");
  std::unordered_set<std::string_view> names;
  for (auto& tensor : tensors) {
    ATOLL_TRY(check_and_count(tensor));
    if (!names.insert(tensor.name).second) return bad(tensor.name, "appears twice");
  }
  names.clear();
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return size_of(a.dtype) > size_of(b.dtype);
  });
  Manifest manifest;
  for (auto& tensor : tensors) {
    tensor.offset = manifest.total_bytes_;
    manifest.total_bytes_ += tensor.bytes();
    if (manifest.total_bytes_ > kMaxBytes)
      return Error(ErrorCode::kProtocol, "a model of more than 2^44 bytes");
  }
  manifest.tensors_ = std::move(tensors);
  manifest.digest_ = digest_of(manifest.tensors_);
  return manifest;
}

uint64_t Manifest::total_elements() const {
  uint64_t total = 0;
  for (const auto& tensor : tensors_) total += tensor.elements;
  return total;
}

const TensorSpec* Manifest::find(std::string_view name) const {
  for (const auto& tensor : tensors_) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

size_t Manifest::first_at(uint64_t offset) const {
  auto found = std::partition_point(
      tensors_.begin(), tensors_.end(),
      [offset](const TensorSpec& tensor) { return tensor.offset + tensor.bytes() <= offset; });
  return static_cast<size_t>(found - tensors_.begin());
}

std::string Manifest::describe_difference(const Manifest& ours, const Manifest& theirs) {
  std::string text;
  int shown = 0;
  const size_t count = std::max(ours.tensors_.size(), theirs.tensors_.size());
  for (size_t i = 0; i < count && shown < 3; ++i) {
    const TensorSpec* a = i < ours.tensors_.size() ? &ours.tensors_[i] : nullptr;
    const TensorSpec* b = i < theirs.tensors_.size() ? &theirs.tensors_[i] : nullptr;
    // Not by offset, which differs for everything behind the first difference.
    if (a != nullptr && b != nullptr && line(a) == line(b)) continue;
    text += (shown++ ? "; " : "") + line(a) + " | " + line(b);
  }
  return text.empty() ? "no difference" : text;
}

}  // namespace atl
