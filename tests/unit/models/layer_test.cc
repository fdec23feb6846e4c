// Layers that models share.
#include "models/layer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace atl::models {
namespace {

// Without a backward pass another way is taken: the values are the same bits.
TEST(MaxPool, IsPyTorchsWithAndWithoutAGradient) {
  torch::manual_seed(4);
  for (const auto& shape : {std::vector<int64_t>{3, 2, 8, 6}, {2, 1, 7, 5}, {1, 4, 2, 2}}) {
    auto x = torch::randn(shape);
    x.view(-1)[1] = NAN;
    const auto theirs = torch::max_pool2d(x, 2);
    const auto with_gradient = max_pool(x);
    const torch::NoGradGuard no_grad;
    const auto without = max_pool(x);
    ASSERT_EQ(without.sizes(), theirs.sizes());
    EXPECT_TRUE(torch::equal(without.nan_to_num(7), theirs.nan_to_num(7)));
    EXPECT_TRUE(torch::equal(with_gradient.nan_to_num(7), theirs.nan_to_num(7)));
    EXPECT_TRUE(without.is_contiguous());
  }
}

}  // namespace
}  // namespace atl::models
