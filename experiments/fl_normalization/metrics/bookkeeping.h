// BatchNorm's bookkeeping: how far running statistics lie apart between clients, and how far the
// aggregated ones lie from what the aggregated model really feeds its slots. Du et al. 2022
// (arXiv 2210.03277) predict that the former grow with depth and the latter is large for FedAvg
// with BatchNorm; layers without running statistics have none of it.
#pragma once

#include <string>

#include "common/core/bytes.h"
#include "common/tensor/manifest.h"
#include "experiments/fl_normalization/metrics/divergence.h"

namespace atl::study {

// The running statistics of one slot at K clients; `variance` is the buffer, unbiased as it is.
// R_mu = mean_{k<j,c} |rm_k - rm_j| / sqrt(mean_k rv + eps)
double running_mean_gap(Clients clients);
// R_var = mean_{k<j,c} |log(rv_k + eps) - log(rv_j + eps)|
double running_variance_gap(Clients clients);
// M = mean_c |rm_c - m_c| / sqrt(v_c + eps): `stored` are the buffers of the aggregated model,
// `seen` the moments of what it feeds the slot on the probe set.
double mismatch(const ChannelStatistics& stored, const ChannelStatistics& seen);

// The running statistics of a slot in a model, the measured channels (moments.h) only; empty where
// it has none.
ChannelStatistics running_statistics(const Manifest& manifest, ByteView flat,
                                     const std::string& site);

}  // namespace atl::study
