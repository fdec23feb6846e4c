// Small synthetic data for the trainer's tests: arithmetic, not learning from the world.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>

#include "client/torch_trainer.h"
#include "common/core/rng.h"

namespace atl::testing {

// Rows of `features` values around one centre per class, far apart: a linear model separates them.
inline data::SharedDataset separable_rows(size_t count, int64_t features, uint32_t classes,
                                          uint64_t seed) {
  auto set = std::make_shared<data::Dataset>();
  set->name = "separable";
  set->shape = {features};
  set->classes = classes;
  Rng rng(seed, "separable");
  for (size_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint32_t>(rng.below(classes));
    set->labels.push_back(label);
    for (int64_t f = 0; f < features; ++f) {
      const double centre = static_cast<uint32_t>(f) % classes == label ? 2 : 0;
      set->values.push_back(static_cast<float>(centre + 0.5 * rng.normal()));
    }
  }
  return set;
}

// Random images of bytes, with random labels.
inline data::SharedDataset random_images(size_t count, std::vector<int64_t> shape, uint32_t classes,
                                         uint64_t seed) {
  auto set = std::make_shared<data::Dataset>();
  set->name = "noise";
  set->shape = std::move(shape);
  set->classes = classes;
  Rng rng(seed, "noise");
  for (size_t i = 0; i < count; ++i)
    set->labels.push_back(static_cast<uint32_t>(rng.below(classes)));
  set->bytes.resize(count * set->example_elements());
  for (auto& byte : set->bytes) byte = static_cast<uint8_t>(rng.below(256));
  const auto channels = static_cast<size_t>(set->shape[0]);
  set->mean.assign(channels, 0.5f);
  set->std.assign(channels, 0.25f);
  return set;
}

inline data::Indices first(size_t count, uint32_t from = 0) {
  data::Indices indices(count);
  std::iota(indices.begin(), indices.end(), from);
  return indices;
}

inline client::TorchTrainerOptions options_of(const data::SharedDataset& train, size_t count,
                                              std::string client = "c1") {
  return {.client = std::move(client),
          .train = train,
          .test = train,
          .train_indices = first(count),
          .test_indices = first(count),
          .device = "cpu"};
}

inline std::unique_ptr<client::Trainer> make_trainer(const wire::ModelSpec& spec,
                                                     client::TorchTrainerOptions options) {
  auto trainer = client::make_torch_trainer(spec, std::move(options));
  EXPECT_TRUE(trainer.ok()) << trainer.error().message();
  return trainer.ok() ? std::move(trainer).value() : nullptr;
}

inline Bytes model_of(const client::Trainer& trainer) {
  Bytes flat(trainer.manifest().total_bytes());
  EXPECT_TRUE(trainer.read(0, flat).ok());
  return flat;
}

inline client::Task task_of(uint32_t round, wire::TrainSettings settings, uint64_t seed = 1) {
  return {.round = round, .total_rounds = 10, .seed = seed, .settings = std::move(settings)};
}

// Loads `model` (the seed's initial weights when empty), trains, and returns the local model.
inline Bytes trained(client::Trainer& trainer, const client::Task& task, ByteView model = {},
                     client::TrainReport* report = nullptr) {
  if (model.empty())
    EXPECT_TRUE(trainer.initialize(task.seed).ok());
  else
    EXPECT_TRUE(trainer.receive(0, model).ok());
  client::Progress progress;
  auto result = trainer.run(task, progress);
  EXPECT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(progress.steps_done, progress.steps_total);
  if (report != nullptr && result.ok()) *report = *result;
  return model_of(trainer);
}

}  // namespace atl::testing
