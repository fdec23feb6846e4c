#include "common/numeric/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

namespace atl {
namespace {

// Written from IEEE 754's definition, with no conversion instruction.
double value_of(DType dtype, uint32_t bits) {
  const int mantissa_bits = dtype == DType::kF16 ? 10 : 7;
  const int bias = dtype == DType::kF16 ? 15 : 127;
  const int all_ones = dtype == DType::kF16 ? 31 : 255;
  const auto mantissa = static_cast<double>(bits & ((1u << mantissa_bits) - 1));
  const int exponent = static_cast<int>(bits >> mantissa_bits) & all_ones;
  const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
  if (exponent == all_ones) return mantissa == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(1 + std::ldexp(mantissa, -mantissa_bits), exponent - bias);
}

class Half : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, Half, ::testing::Values(DType::kF16, DType::kBF16),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(Half, WidensAndNarrowsEveryPattern) {
  std::vector<uint16_t> all(65536), back(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(all.size());
  widen(GetParam(), all, wide);
  narrow(GetParam(), wide, back);
  for (size_t i = 0; i < all.size(); ++i) {
    const double expected = value_of(GetParam(), static_cast<uint32_t>(i));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(wide[i])) << i;
      ASSERT_TRUE(std::isnan(value_of(GetParam(), back[i]))) << i;
    } else {
      ASSERT_EQ(static_cast<double>(wide[i]), expected) << i;
      ASSERT_EQ(std::signbit(wide[i]), std::signbit(expected)) << i;
      ASSERT_EQ(back[i], i);
    }
  }
}

// Between every two neighbours: the midpoint goes to the even one, a hair beside it to the nearer.
TEST_P(Half, RoundsToNearestTiesToEven) {
  for (uint32_t i = 0; i + 1 < 0x8000u; ++i) {
    const double low = value_of(GetParam(), i), high = value_of(GetParam(), i + 1);
    if (!std::isfinite(high)) break;
    const float middle = static_cast<float>((low + high) / 2);
    if ((low + high) / 2 != static_cast<double>(middle)) continue;  // below float's own grid
    const float in[3] = {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, INFINITY)};
    uint16_t out[3];
    narrow(GetParam(), in, out);
    ASSERT_EQ(out[0], i + (i & 1)) << i;
    ASSERT_EQ(out[1], i) << i;
    ASSERT_EQ(out[2], i + 1) << i;
  }
}

TEST_P(Half, OverflowsToInfinityAndKeepsNaN) {
  const float in[4] = {3.4028235e38f, -3.4028235e38f, NAN, std::bit_cast<float>(0x7f800001u)};
  uint16_t out[4];
  narrow(GetParam(), in, out);
  EXPECT_EQ(value_of(GetParam(), out[0]), INFINITY);
  EXPECT_EQ(value_of(GetParam(), out[1]), -INFINITY);
  EXPECT_TRUE(std::isnan(value_of(GetParam(), out[2])));
  EXPECT_TRUE(std::isnan(value_of(GetParam(), out[3])));
}

}  // namespace
}  // namespace atl
