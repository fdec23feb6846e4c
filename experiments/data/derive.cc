#include "experiments/data/derive.h"

#include <algorithm>
#include <cstring>

#include "experiments/data/schemes.h"

namespace atl::workbench {

using data::Dataset;
using data::Indices;
using data::SharedDataset;

Result<std::vector<Indices>> stratified_parts(const Dataset& set, const std::vector<size_t>& counts,
                                              uint64_t seed) {
  Rng rng(seed, "stratified subset", set.name);
  auto classes = indices_by_class(set);
  size_t smallest = SIZE_MAX, all = 0;
  for (const auto& items : classes) smallest = std::min(smallest, items.size());
  for (const size_t count : counts) all += count;
  std::vector<Indices> parts(counts.size());
  for (size_t k = 0; k < classes.size(); ++k) {
    auto& items = classes[k];
    rng.shuffle(std::span(items));
    size_t used = 0;
    for (size_t part = 0; part < counts.size(); ++part) {
      const size_t wanted = even_size(counts[part], classes.size(), k);
      if (used + wanted > items.size())
        return Error(ErrorCode::kData, "a subset of " + std::to_string(all) + " images wants " +
                                           std::to_string(used + wanted) + " of class " +
                                           std::to_string(k) + ", " + set.name + " has " +
                                           std::to_string(items.size()))
            .hint("at most " + std::to_string(smallest * classes.size()) + " images");
      const auto from = items.begin() + static_cast<ptrdiff_t>(used);
      parts[part].insert(parts[part].end(), from, from + static_cast<ptrdiff_t>(wanted));
      used += wanted;
    }
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

Result<Indices> stratified_indices(const Dataset& set, size_t count, uint64_t seed) {
  ATOLL_ASSIGN(auto parts, stratified_parts(set, {count}, seed));
  return std::move(parts.front());
}

Result<SharedDataset> stratified_subset(const SharedDataset& set, size_t count, uint64_t seed) {
  ATOLL_ASSIGN(const auto chosen, stratified_indices(*set, count, seed));
  auto part = std::make_shared<Dataset>();
  part->name = set->name;
  part->shape = set->shape;
  part->classes = set->classes;
  part->mean = set->mean;
  part->std = set->std;
  part->class_names = set->class_names;
  const auto size = static_cast<ptrdiff_t>(set->example_elements());
  const auto copy = [&](const auto& from, auto& to, ptrdiff_t at) {
    if (!from.empty()) to.insert(to.end(), from.begin() + at, from.begin() + at + size);
  };
  for (const uint32_t i : chosen) {
    part->labels.push_back(set->labels[i]);
    copy(set->bytes, part->bytes, i * size);
    copy(set->values, part->values, i * size);
  }
  return SharedDataset(std::move(part));
}

Result<SharedDataset> padded(const SharedDataset& set, int64_t side) {
  const auto& shape = set->shape;
  if (shape.size() != 3 || set->bytes.size() != set->size() * set->example_elements() ||
      shape[1] > side || shape[2] > side) {
    return Error(ErrorCode::kData, set->name + " does not hold images that fit into " +
                                       std::to_string(side) + "x" + std::to_string(side));
  }
  if (shape[1] == side && shape[2] == side) return set;
  auto out = std::make_shared<Dataset>(*set);
  out->shape = {shape[0], side, side};
  out->bytes.assign(out->size() * out->example_elements(), 0);
  const auto height = static_cast<size_t>(shape[1]), width = static_cast<size_t>(shape[2]);
  const auto wide = static_cast<size_t>(side);
  const size_t top = (wide - height) / 2, left = (wide - width) / 2;
  for (size_t plane = 0; plane < set->size() * static_cast<size_t>(shape[0]); ++plane) {
    for (size_t y = 0; y < height; ++y)
      std::memcpy(out->bytes.data() + (plane * wide + top + y) * wide + left,
                  set->bytes.data() + (plane * height + y) * width, width);
  }
  return SharedDataset(std::move(out));
}

}  // namespace atl::workbench
