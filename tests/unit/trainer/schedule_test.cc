#include "client/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace atl::client {
namespace {

std::vector<double> rates(const wire::TrainSettings& settings, uint32_t rounds) {
  std::vector<double> all;
  for (uint32_t round = 1; round <= rounds; ++round)
    all.push_back(learning_rate(settings, round, rounds));
  return all;
}

void expect_rates(const wire::TrainSettings& settings, const std::vector<double>& wanted) {
  const auto got = rates(settings, static_cast<uint32_t>(wanted.size()));
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-12) << i + 1;
}

TEST(Schedule, ValuesPerRound) {
  expect_rates({.learning_rate = 0.1}, {0.1, 0.1, 0.1});
  const double half = std::sqrt(0.5);
  expect_rates({.learning_rate = 2, .schedule = "cosine"}, {2, 1 + half, 1, 1 - half});
  expect_rates(
      {.learning_rate = 1, .schedule = "step", .schedule_factor = 0.1, .schedule_every = 2},
      {1, 1, 0.1, 0.1, 0.01});
  expect_rates({.learning_rate = 1, .schedule = "exponential", .schedule_factor = 0.5},
               {1, 0.5, 0.25});
}

TEST(Schedule, WarmsUpFirstAndThenStartsTheSchedule) {
  expect_rates({.learning_rate = 1, .warmup_rounds = 4}, {0.25, 0.5, 0.75, 1, 1});
  expect_rates(
      {.learning_rate = 1, .schedule = "exponential", .schedule_factor = 0.5, .warmup_rounds = 2},
      {0.5, 1, 1, 0.5});
  expect_rates({.learning_rate = 2, .schedule = "cosine", .warmup_rounds = 1}, {2, 2, 1});
}

TEST(Schedule, ARoundBeyondTheLastHasARate) {
  EXPECT_TRUE(std::isfinite(learning_rate({.schedule = "cosine"}, 11, 10)));
  EXPECT_TRUE(std::isfinite(learning_rate({.schedule = "cosine", .warmup_rounds = 10}, 10, 10)));
}

TEST(Settings, EachBadValueIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::pair<wire::TrainSettings, const char*>> bad = {
      {{.optimizer = "adam"}, "optimizer"},
      {{.schedule = "linear"}, "schedule"},
      {{.learning_rate = -1}, "learning_rate"},
      {{.learning_rate = nan}, "learning_rate"},
      {{.momentum = 1.5}, "momentum"},
      {{.nesterov = true}, "nesterov"},
      {{.weight_decay = -1}, "weight_decay"},
      {{.beta1 = 1}, "beta1"},
      {{.beta2 = 1}, "beta2"},
      {{.epsilon = nan}, "epsilon"},
      {{.epochs = 0}, "epochs"},
      {{.batch_size = 0}, "batch_size"},
      {{.clip_norm = -1}, "clip_norm"},
      {{.schedule_factor = -1}, "schedule_factor"},
  };
  for (const auto& [settings, name] : bad) {
    const auto status = check_settings(settings);
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(status.error().code(), ErrorCode::kConfig);
    EXPECT_THAT(status.error().message(), testing::StartsWith("train." + std::string(name)));
  }
  EXPECT_TRUE(check_settings({}).ok());
  EXPECT_TRUE(check_settings({.epochs = 0, .steps = 3}).ok());
}

}  // namespace
}  // namespace atl::client
