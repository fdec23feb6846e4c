// Feature shift: every client sees the world through a camera of its own. Labels are not touched.
#pragma once

#include <array>
#include <string>

#include "client/data/dataset.h"
#include "common/core/result.h"
#include "experiments/data/partition.h"

namespace atl::workbench {

// What a client's camera does to a grey level g, in this order: channels change places, a 3x3 box
// blur (the border repeats), 127.5 + contrast (g - 127.5) + offset, rounded, within [0, 255].
struct Camera {
  double offset = 0;                            // grey levels; drawn from [-64, 64]
  double contrast = 1;                          // drawn log-uniformly from [1/2, 2]
  bool blur = false;                            // one client in two
  std::array<uint8_t, 4> channels{0, 1, 2, 3};  // where channel c comes from
};
// Drawn from (seed, "camera", client) alone.
Camera camera_of(uint64_t seed, const std::string& client, size_t channels);

// Changes image `index` of the set, which has bytes and at most 4 channels.
void look_through(const Camera& camera, data::Dataset& set, size_t index);

// The shares' own images, seen through their cameras. Training images are changed where they are.
// Test images are copied first and follow the original ones, which keep their indices: the shares'
// `test` then names the copies. kData unless both are images of bytes with at most 4 channels.
Result<data::DataSplits> shift_features(const data::DataSplits& splits, uint64_t seed,
                                        std::vector<Share>& shares);

}  // namespace atl::workbench
