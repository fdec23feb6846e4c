// External covariate shift: how far the clients' features of one layer lie apart (Du et al. 2022,
// arXiv 2210.03277, name it and show histograms; the scalars are ours). K clients, C channels,
// eps = 1e-5; m and v are a channel's mean and variance at a client. Means over channels, and over
// pairs k < j where a pair is compared.
//
// Fewer than two clients have nothing to compare: NaN.
#pragma once

#include <span>
#include <vector>

#include "experiments/fl_normalization/metrics/moments.h"

namespace atl::study {

inline constexpr double kVarianceFloor = 1e-5;

using Clients = std::span<const ChannelStatistics>;

// G_mu = mean_c std_k(m) / sqrt(mean_k v + eps). std_k is over n, not n - 1.
double mean_gap(Clients clients);
// G_sig = mean_c std_k(log(v + eps) / 2)
double scale_gap(Clients clients);
// W2 = mean_{k<j,c} ((m_k - m_j)^2 + (sqrt v_k - sqrt v_j)^2) / (mean_k v + eps): squared
// Wasserstein distance of two Gaussians, in units of the mean variance.
double wasserstein2(Clients clients);
// SKL = mean_{k<j,c} (a/b + b/a - 2 + (m_k - m_j)^2 (1/a + 1/b)) / 4, a = v_k + eps, b = v_j + eps:
// the mean of the two Kullback-Leibler divergences of two Gaussians, in nats.
double symmetric_kl(Clients clients);

// Values of one client's layer, one list per channel.
using ChannelValues = std::vector<std::vector<float>>;
// JS = mean_{k,c} of the Jensen-Shannon divergence, base 2, of client k's histogram to the mean of
// all: 64 bins on the pooled range from the 0.1 % to the 99.9 % quantile; what lies outside counts
// in the end bins. In [0, 1].
double histogram_js(std::span<const ChannelValues> clients);

// Z Z^T, n x n, of one client's representation Z [n, d] whose columns were centred.
using Gram = std::vector<double>;
// CKA = mean_{k<j} <G_k, G_j> / (|G_k| |G_j|), Frobenius (Kornblith et al. 2019, arXiv
// 1905.00414, section 3). 1: the same representation up to rotation
// and scale. A representation without variance equals only another one without.
double linear_cka(std::span<const Gram> clients);

}  // namespace atl::study
