#include "experiments/bench/generated_trainer.h"

#include <cstring>

#include "common/core/rng.h"

namespace atl::bench {
namespace {

// A prime number of values, so that no chunk looks like the one before it.
constexpr size_t kTable = 262'147;
constexpr uint64_t kStride = 97'003;  // between the places where two clients begin

const std::vector<float>& table() {
  static const auto values = [] {
    std::vector<float> made(kTable);
    Rng rng(1, "bench");
    for (auto& value : made) value = static_cast<float>(2 * rng.uniform() - 1);
    return made;
  }();
  return values;
}

}  // namespace

float generated_value(uint64_t client, uint64_t index) {
  return table()[(index + client * kStride) % kTable];
}

void generate_bytes(uint64_t client, uint64_t offset, MutableByteView out) {
  ATOLL_CHECK(offset % sizeof(float) == 0, "an offset between two values");
  const auto bytes = std::as_bytes(std::span(table()));
  size_t place = (offset / sizeof(float) + client * kStride) % kTable * sizeof(float);
  while (!out.empty()) {
    const size_t size = std::min(out.size(), bytes.size() - place);
    std::memcpy(out.data(), bytes.data() + place, size);
    out = out.subspan(size);
    place = 0;
  }
}

Result<Manifest> generated_manifest(uint64_t bytes, size_t count, bool with_empty_tensor) {
  const uint64_t elements = bytes / sizeof(float);
  if (count == 0 || elements < count)
    return Error(ErrorCode::kUsage, "a model needs at least one element in every tensor");
  std::vector<TensorSpec> tensors;
  for (size_t i = 0; i < count; ++i) {
    TensorSpec spec;
    spec.name = "layer" + std::to_string(i) + ".weight";
    const uint64_t share = elements / count + (i < elements % count ? 1 : 0);
    spec.shape = {static_cast<int64_t>(share)};
    spec.role = Role::kLinearWeight;
    tensors.push_back(std::move(spec));
    if (i == 0 && with_empty_tensor) {
      TensorSpec empty;
      empty.name = "empty";
      empty.shape = {0, 7};
      empty.role = Role::kLinearWeight;
      tensors.push_back(std::move(empty));
    }
  }
  return Manifest::make(std::move(tensors));
}

}  // namespace atl::bench
