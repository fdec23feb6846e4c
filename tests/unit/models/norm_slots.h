// Slots by their textual form, for the norms' tests.
#pragma once

#include <gtest/gtest.h>

#include "models/norm/norm.h"

namespace atl::models {

inline NormPtr slot(const std::string& text, const NormSite& site) {
  const auto spec = parse_norm(text);
  EXPECT_TRUE(spec.ok()) << text << ": " << spec.error().message();
  auto layer = make_norm(*spec, site);
  EXPECT_TRUE(layer.ok()) << text;
  return *layer;
}

inline torch::Tensor parameter(const LayerPtr& layer, const char* name) {
  return layer->named_parameters()[name];
}
inline torch::Tensor gamma(const LayerPtr& layer) { return parameter(layer, "weight"); }
inline torch::Tensor beta(const LayerPtr& layer) { return parameter(layer, "bias"); }
inline torch::Tensor running(const LayerPtr& layer, const char* name) {
  return layer->named_buffers()[name];
}

// Gamma 1, as initialize() leaves it (own tensors start as zeros).
inline NormPtr plain_slot(const std::string& text, const NormSite& site) {
  auto layer = slot(text, site);
  torch::NoGradGuard no_grad;
  if (layer->named_parameters().contains("weight")) gamma(layer).fill_(1);
  return layer;
}

// A slot whose affine part does something.
inline NormPtr random_slot(const std::string& text, const NormSite& site) {
  auto layer = slot(text, site);
  torch::NoGradGuard no_grad;
  gamma(layer).uniform_(0.5, 2);
  beta(layer).uniform_(-1, 1);
  return layer;
}

inline double distance(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

inline void expect_close(const torch::Tensor& ours, const torch::Tensor& theirs, double tolerance) {
  ASSERT_EQ(ours.sizes(), theirs.sizes());
  EXPECT_LE(distance(ours, theirs), tolerance);
}

}  // namespace atl::models
