// Who moved the global model: each client's share in a round's step, and whether what a client
// learned is still there after averaging. Du et al. 2022 (arXiv 2210.03277) call a client whose
// update drowns in those of clients with larger weights obliterated; the scalars are ours.
//
// Symbols: w_g the model before the round, w_k client k's after training, D_k = w_k - w_g, p_k its
// weight (sums to 1), D = sum_k p_k D_k. Sums over elements are made in double, in flat order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace atl::study {

// Trainable elements of one tensor, in the same order everywhere.
struct TensorValues {
  std::string name;
  bool weight = false;  // of a convolution or linear layer: its norms are compared
  std::span<const float> before;
  std::vector<std::span<const float>> locals;  // one per client
};

struct Contribution {
  double p = 0;
  double s = 0;             // <p_k D_k, D> / |D|^2; sums to 1, may be negative; p_k where D = 0
  double cosine = 0;        // <D_k, D> / (|D_k| |D|); NaN where one of them is 0
  double nu_max = 0;        // largest over weight tensors of |w_k| / median_j |w_j|
  double nu_delta_max = 0;  // the same of |D_k|
};

// `p`: one weight per client, positive, sums to 1.
std::vector<Contribution> contributions(std::span<const TensorValues> tensors,
                                        std::span<const double> p);

// N_eff = 1 / sum_k (|s_k| / sum_j |s_j|)^2: K when balanced, 1 when one client rules.
double effective_contributors(std::span<const Contribution> clients);
// OI: the fraction of clients with s_k < 0.1 p_k.
double obliteration_index(std::span<const Contribution> clients);

// How often a model is right, class by class, on one set of images.
struct ClassScore {
  std::vector<uint64_t> correct, examples;  // per class
  // Over the classes marked in `held` (or, with `held` false, over the others); NaN without one.
  double accuracy(const std::vector<bool>& classes, bool held = true) const;
  double accuracy() const;
};

// Q_k = acc(w_+) / max(acc(w_k), 0.01) on the client's classes: what is left of what it learned.
double retention(const ClassScore& global, const ClassScore& local,
                 const std::vector<bool>& classes);
// L_k = acc(w_+) - acc(average without k) on the client's classes.
double leave_one_out(const ClassScore& global, const ClassScore& without,
                     const std::vector<bool>& classes);
// Z_k = acc(w_k) - acc(w_g) on the classes that the client does not hold: what it forgot.
double forgetting(const ClassScore& local, const ClassScore& before,
                  const std::vector<bool>& classes);

}  // namespace atl::study
