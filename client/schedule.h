// The learning rate of a round, and the checks of [train] that the arithmetic relies on.
// Torch-free.
#pragma once

#include <cstdint>

#include "common/core/result.h"
#include "common/wire/task.h"

namespace atl::client {

// `round` is 1-based, and the rate is constant within a round. The first `warmup_rounds` rounds
// climb in equal steps and reach the full rate in the last of them. Then, with t = 0, 1, ... and T
// rounds left after the warm-up:
//   constant     rate
//   cosine       rate * (1 + cos(pi * t / T)) / 2
//   step         rate * factor ^ floor(t / every)
//   exponential  rate * factor ^ t
// The settings must have passed check_settings().
double learning_rate(const wire::TrainSettings& settings, uint32_t round, uint32_t total_rounds);

// kConfig, naming the setting, when a value is unknown or out of range. A server checks its own
// file; a client does not take its word for it.
Status check_settings(const wire::TrainSettings& settings);

}  // namespace atl::client
