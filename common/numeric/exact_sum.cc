#include "common/numeric/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace atl {
namespace {

#define ATOLL_INLINE inline __attribute__((always_inline))
#define ATOLL_AVX2 __attribute__((target("avx2,fma")))
#define ATOLL_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,fma")))

// 1.5 * 2^52. A double near it has the last place 1, so that adding it rounds a number below 2^51
// to a whole one (to nearest, ties to even), and the last bits of the sum are that number.
// Processors that cannot turn eight bytes of integer into a double, or cannot round, can add.
constexpr double kBase = 0x1.8p52;
constexpr int64_t kBaseBits = std::bit_cast<int64_t>(kBase);
ATOLL_INLINE double to_double(int64_t whole) {
  return std::bit_cast<double>(whole + kBaseBits) - kBase;
}

// The next digit of `rest`, in units of 1 / `scale`; what is left of it is exact.
ATOLL_INLINE int64_t take_digit(double& rest, double scale) {
  const double shifted = rest * scale + kBase;
  rest -= (shifted - kBase) / scale;
  return std::bit_cast<int64_t>(shifted) - kBaseBits;
}

template <typename T>
ATOLL_INLINE void add_block(const T* x, size_t count, int64_t weight, int64_t* __restrict l0,
                            int64_t* __restrict l1, int64_t* __restrict l2,
                            int64_t* __restrict l3) {
  for (size_t i = 0; i < count; ++i) {
    auto rest = static_cast<double>(x[i]);
    l3[i] += weight * take_digit(rest, 0x1p-10);
    l2[i] += weight * take_digit(rest, 0x1p20);
    l1[i] += weight * take_digit(rest, 0x1p50);
    l0[i] += weight * take_digit(rest, 0x1p80);
  }
}

// One body for all widths of registers. Every operation in it is exact or correctly rounded, so the
// variants agree bit for bit.
template <typename T>
ATOLL_AVX512 void add_avx512(const T* x, size_t count, int64_t weight, int64_t* l0, int64_t* l1,
                             int64_t* l2, int64_t* l3) {
  add_block(x, count, weight, l0, l1, l2, l3);
}
template <typename T>
ATOLL_AVX2 void add_avx2(const T* x, size_t count, int64_t weight, int64_t* l0, int64_t* l1,
                         int64_t* l2, int64_t* l3) {
  add_block(x, count, weight, l0, l1, l2, l3);
}
template <typename T>
void add_plain(const T* x, size_t count, int64_t weight, int64_t* l0, int64_t* l1, int64_t* l2,
               int64_t* l3) {
  add_block(x, count, weight, l0, l1, l2, l3);
}

struct Double2 {
  double hi, lo;
};

// Exact sum of two doubles (Knuth).
ATOLL_INLINE Double2 two_sum(double a, double b) {
  const double s = a + b;
  const double bb = s - a;
  return {s, (a - (s - bb)) + (b - bb)};
}

// sum / n, where the sum is in limbs: carries are settled, the five digits become a double-double
// (106 bits), and one step of long division with an exact remainder follows.
ATOLL_INLINE double mean_of(int64_t l0, int64_t l1, int64_t l2, int64_t l3, double n) {
  constexpr int64_t kMask = (1ll << 30) - 1;
  l1 += l0 >> 30;
  l2 += l1 >> 30;
  l3 += l2 >> 30;
  const double digits[5] = {to_double(l3 >> 30) * 0x1p40, to_double(l3 & kMask) * 0x1p10,
                            to_double(l2 & kMask) * 0x1p-20, to_double(l1 & kMask) * 0x1p-50,
                            to_double(l0 & kMask) * 0x1p-80};
  Double2 sum{digits[0], 0};
  for (int i = 1; i < 5; ++i) {
    const auto high = two_sum(sum.hi, digits[i]);
    const auto low = two_sum(sum.lo, high.lo);
    sum = two_sum(high.hi, low.hi);
    sum.lo += low.lo;
  }
  const double q1 = sum.hi / n;
  const double rest = std::fma(-q1, n, sum.hi) + sum.lo;
  return q1 + rest / n;
}

template <typename T>
ATOLL_INLINE void mean_block(T* __restrict out, size_t count, const int64_t* l0, const int64_t* l1,
                             const int64_t* l2, const int64_t* l3, double n) {
  for (size_t i = 0; i < count; ++i)
    out[i] = static_cast<T>(mean_of(l0[i], l1[i], l2[i], l3[i], n));
}
template <typename T>
ATOLL_AVX512 void mean_avx512(T* out, size_t count, const int64_t* l0, const int64_t* l1,
                              const int64_t* l2, const int64_t* l3, double n) {
  mean_block(out, count, l0, l1, l2, l3, n);
}
template <typename T>
ATOLL_AVX2 void mean_avx2(T* out, size_t count, const int64_t* l0, const int64_t* l1,
                          const int64_t* l2, const int64_t* l3, double n) {
  mean_block(out, count, l0, l1, l2, l3, n);
}
template <typename T>
void mean_plain(T* out, size_t count, const int64_t* l0, const int64_t* l1, const int64_t* l2,
                const int64_t* l3, double n) {
  mean_block(out, count, l0, l1, l2, l3, n);
}

template <typename T>
auto add_with(Registers registers) {
  if (registers == Registers::kAvx512) return add_avx512<T>;
  if (registers == Registers::kAvx2) return add_avx2<T>;
  return add_plain<T>;
}
template <typename T>
auto mean_with(Registers registers) {
  if (registers == Registers::kAvx512) return mean_avx512<T>;
  if (registers == Registers::kAvx2) return mean_avx2<T>;
  return mean_plain<T>;
}

}  // namespace

Registers widest_registers() {
  static const Registers widest = [] {
    const bool fma = __builtin_cpu_supports("fma");
    if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      return Registers::kAvx512;
    return fma && __builtin_cpu_supports("avx2") ? Registers::kAvx2 : Registers::kPlain;
  }();
  return widest;
}

ExactSum::ExactSum(size_t elements, Registers most)
    : registers_(std::min(most, widest_registers())) {
  reset(elements);
}

void ExactSum::reset(size_t elements) {
  elements_ = elements;
  weight_ = 0;
  limbs_.assign(elements * kLimbs, 0);
}

#define ATOLL_ADD_BODY(T)                                                        \
  ATOLL_CHECK(values.size() == elements_, "sizes differ");                       \
  ATOLL_CHECK(weight >= 1 && weight <= kMaxWeight - weight_,                     \
              "the total weight must stay below 2^32");                          \
  weight_ += weight;                                                             \
  int64_t* limbs = limbs_.data();                                                \
  const auto w = static_cast<int64_t>(weight);                                   \
  add_with<T>(registers_)(values.data(), elements_, w, limbs, limbs + elements_, \
                          limbs + 2 * elements_, limbs + 3 * elements_)

void ExactSum::add(uint64_t weight, std::span<const float> values) { ATOLL_ADD_BODY(float); }
void ExactSum::add(uint64_t weight, std::span<const double> values) { ATOLL_ADD_BODY(double); }

void ExactSum::merge(const ExactSum& other) {
  ATOLL_CHECK(other.elements_ == elements_, "sizes differ");
  ATOLL_CHECK(other.weight_ <= kMaxWeight - weight_, "the total weight must stay below 2^32");
  weight_ += other.weight_;
  for (size_t i = 0; i < limbs_.size(); ++i) limbs_[i] += other.limbs_[i];
}

#define ATOLL_MEAN_BODY(T)                                                                         \
  ATOLL_CHECK(out.size() == elements_ && weight_ >= 1, "a mean needs a term");                     \
  const int64_t* limbs = limbs_.data();                                                            \
  mean_with<T>(registers_)(out.data(), elements_, limbs, limbs + elements_, limbs + 2 * elements_, \
                           limbs + 3 * elements_, static_cast<double>(weight_))

void ExactSum::mean(std::span<double> out) const { ATOLL_MEAN_BODY(double); }
void ExactSum::mean(std::span<float> out) const { ATOLL_MEAN_BODY(float); }

}  // namespace atl
