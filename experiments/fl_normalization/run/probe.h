// Probe: what a model's norm slots see of a set of images. Features go through the model in
// evaluation mode (no dropout) with the statistics of the set itself in BatchNorm's slots, as in
// training; slots without running statistics know no other way.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/torch_workspace.h"
#include "experiments/fl_normalization/metrics/divergence.h"

namespace atl::study {

// At most so many values of a channel go into histograms, from the same places in every client.
inline constexpr size_t kHistogramValues = 2048;

struct TensorSample {
  ChannelStatistics statistics;  // of the measured channels (metrics/moments.h)
  ChannelValues values;
};

struct SiteSample {
  std::string site;
  TensorSample pre, post;  // h, the slot's input; z, what the next layer gets (models/tap.h)
  Gram gram;               // of z over the images; empty unless asked for
};

// The workspace has the model loaded and its loader open on the images' set. One forward pass over
// all images at once. Sites in the order of the pass. LibTorch's exceptions pass.
std::vector<SiteSample> probe(client::Workspace& workspace, std::span<const uint32_t> images,
                              bool with_gram);

}  // namespace atl::study
