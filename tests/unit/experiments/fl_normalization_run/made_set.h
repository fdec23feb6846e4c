// Images of four classes that a small network tells apart: a bright quarter each, and noise.
#pragma once

#include "common/core/rng.h"
#include "experiments/fl_normalization/run/study_data.h"

namespace atl::study::testing {

inline data::SharedDataset made_images(size_t count, uint64_t seed) {
  constexpr size_t kSide = 16;
  auto set = std::make_shared<data::Dataset>();
  set->name = "made";
  set->shape = {1, kSide, kSide};
  set->classes = 4;
  set->mean = {0.4F};
  set->std = {0.25F};
  Rng rng(seed, "made images");
  for (size_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint32_t>(i % 4);
    set->labels.push_back(label);
    for (size_t y = 0; y < kSide; ++y) {
      for (size_t x = 0; x < kSide; ++x) {
        const bool bright = (y < kSide / 2) == (label < 2) && (x < kSide / 2) == (label % 2 == 0);
        set->bytes.push_back(static_cast<uint8_t>(rng.below(120) + (bright ? 90 : 0)));
      }
    }
  }
  return set;
}

// Under the name "made".
inline void put_made_set(StudyData& data) {
  StudySet set;
  set.splits = {made_images(400, 1), made_images(200, 2)};
  set.parts = make_test_parts(*set.splits.test).value();
  data.put("made", std::move(set));
}

inline Cell made_cell(const std::string& norm = "bn") {
  Cell cell;
  cell.data = "made";
  cell.norm = norm;
  cell.clients = 4;
  cell.images = 40;
  cell.cohort = 3;
  cell.epochs = 1;
  cell.batch = 16;
  cell.rate = 0.05;
  cell.rounds = 6;
  cell.evaluate_every = 2;
  cell.measure_every = 3;
  return cell;
}

}  // namespace atl::study::testing
