// Data that are arithmetic: rows of three classes around three centres.
#pragma once

#include <memory>

#include "client/data/dataset.h"
#include "common/core/rng.h"

namespace atl::testing {

// `uneven`: the later half is moved and stretched, so that clients' statistics differ.
inline data::SharedDataset points(size_t count, uint64_t seed, bool uneven = false) {
  auto set = std::make_shared<data::Dataset>();
  set->name = "points";
  set->shape = {6};
  set->classes = 3;
  Rng rng(seed, "points");
  for (size_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint32_t>(rng.below(3));
    set->labels.push_back(label);
    for (uint32_t j = 0; j < 6; ++j) {
      const double value = rng.normal() * 0.7 + (j % 3 == label ? 1.5 : 0);
      set->values.push_back(static_cast<float>(uneven && i >= count / 2 ? 2 * value + 1 : value));
    }
  }
  return set;
}

}  // namespace atl::testing
