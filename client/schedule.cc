#include "client/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace atl::client {
namespace {

Error bad(const std::string& setting, const std::string& why) {
  return Error(ErrorCode::kConfig, "train." + setting + " " + why);
}

// Not a number fails too.
bool within(double value, double least, double most) { return value >= least && value <= most; }

}  // namespace

double learning_rate(const wire::TrainSettings& s, uint32_t round, uint32_t total_rounds) {
  if (round <= s.warmup_rounds) return s.learning_rate * round / s.warmup_rounds;
  const uint32_t t = round - s.warmup_rounds - 1;
  if (s.schedule == "cosine") {
    const uint32_t last = std::max(total_rounds, round);
    const double part = static_cast<double>(t) / (last - s.warmup_rounds);
    return s.learning_rate * (1 + std::cos(std::numbers::pi * part)) / 2;
  }
  if (s.schedule == "step")
    return s.learning_rate * std::pow(s.schedule_factor, t / std::max(1u, s.schedule_every));
  if (s.schedule == "exponential") return s.learning_rate * std::pow(s.schedule_factor, t);
  return s.learning_rate;
}

Status check_settings(const wire::TrainSettings& s) {
  constexpr double kMost = 1e30;
  if (s.optimizer != "sgd" && s.optimizer != "adamw")
    return bad("optimizer", "is \"" + s.optimizer + "\"; there are sgd and adamw");
  if (s.schedule != "constant" && s.schedule != "cosine" && s.schedule != "step" &&
      s.schedule != "exponential") {
    return bad("schedule",
               "is \"" + s.schedule + "\"; there are constant, cosine, step and exponential");
  }
  if (!within(s.learning_rate, 0, kMost)) return bad("learning_rate", "must be 0 or more");
  if (!within(s.momentum, 0, 1)) return bad("momentum", "must lie in [0, 1]");
  if (s.nesterov && s.momentum == 0) return bad("nesterov", "needs a momentum above 0");
  if (!within(s.weight_decay, 0, kMost)) return bad("weight_decay", "must be 0 or more");
  if (!within(s.beta1, 0, 1) || s.beta1 == 1) return bad("beta1", "must lie in [0, 1)");
  if (!within(s.beta2, 0, 1) || s.beta2 == 1) return bad("beta2", "must lie in [0, 1)");
  if (!within(s.epsilon, 0, kMost)) return bad("epsilon", "must be 0 or more");
  if (!within(s.clip_norm, 0, kMost)) return bad("clip_norm", "must be 0 or more");
  if (!within(s.adaptive_clip, 0, kMost)) return bad("adaptive_clip", "must be 0 or more");
  if (!within(s.schedule_factor, 0, kMost)) return bad("schedule_factor", "must be 0 or more");
  if (s.batch_size == 0) return bad("batch_size", "must be 1 or more");
  if (s.epochs == 0 && s.steps == 0) return bad("epochs", "must be 1 or more");
  return {};
}

}  // namespace atl::client
