// The mean and deviation of grey levels, by which the trainer standardises images.
#pragma once

#include "client/data/dataset.h"

namespace atl::data {

// Fills mean and std of a set of images from its own bytes / 255: per channel, population
// deviation, from whole-number sums (exact, so equal on every machine). A constant channel gets
// deviation 1. Does nothing to a set of values.
void set_moments(Dataset& images);

}  // namespace atl::data
