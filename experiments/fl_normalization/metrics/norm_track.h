// Tracks of weight norms from round to round. A layer in front of a normalization is scale-
// invariant: its norm says nothing about its function, but sets how far a step turns it
// (eta_eff = eta / |w|^2; van Laarhoven 2017, arXiv 1706.05350). Averaging can only shorten such a
// weight, so one that grows by a constant factor round after round is the sign of weights that do
// not sum to one, which accuracy hides: hence the alarm.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/tensor/manifest.h"

namespace atl::study {

struct NormRow {
  std::string layer;   // the tensor's name
  std::string group;   // scale_invariant | norm_affine | head | other
  double norm = 0;     // |w_t|
  double eta_eff = 0;  // eta / |w_t|^2; NaN outside the group scale_invariant
  double angle = 0;    // between w_{t-1} and w_t, in radians; NaN where one of them is 0
  double ratio = 0;    // |w_t| / |w_{t-1}|; NaN where that is 0
};

inline constexpr double kAlarmRatio = 1.2;
inline constexpr int kAlarmRounds = 5;

// The group of a tensor. `normalized`: the model's norm stands behind its convolutions and does not
// see their scale.
std::string norm_group(Role role, bool normalized);

// Fed with the models of successive rounds. One thread at a time.
class NormTrack {
 public:
  NormTrack(Manifest manifest, bool normalized, double learning_rate);
  // `flat`: the model of `round`. Rows of trainable tensors; without angle and ratio for the first.
  std::vector<NormRow> add(uint32_t round, ByteView flat);
  // Groups whose norm grew by more than 1.2 in each of 5 rounds, and the round of the fifth.
  const std::map<std::string, uint32_t>& alarms() const { return alarms_; }

 private:
  void watch(const std::map<std::string, double>& squares, uint32_t round);

  Manifest manifest_;
  bool normalized_;
  double rate_;
  Bytes last_;
  std::map<std::string, double> group_norms_;
  std::map<std::string, int> growing_;  // rounds in a row
  std::map<std::string, uint32_t> alarms_;
};

// The elements of a float tensor within a model's flat bytes, which are aligned for it.
std::span<const float> floats(ByteView flat, const TensorSpec& tensor);

}  // namespace atl::study
