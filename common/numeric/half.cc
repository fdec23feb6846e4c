#include "common/numeric/half.h"

#include <bit>
#include <cstring>

#include "common/core/check.h"

namespace atl {
namespace {

uint16_t bf16_from(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40);  // NaN stays NaN
  bits += 0x7fffu + ((bits >> 16) & 1);
  return static_cast<uint16_t>(bits >> 16);
}

}  // namespace

void widen(DType dtype, std::span<const uint16_t> in, std::span<float> out) {
  ATOLL_CHECK(in.size() == out.size(), "sizes differ");
  if (dtype == DType::kBF16) {
    for (size_t i = 0; i < in.size(); ++i)
      out[i] = std::bit_cast<float>(static_cast<uint32_t>(in[i]) << 16);
    return;
  }
  ATOLL_CHECK(dtype == DType::kF16, "a 16-bit floating-point type");
  for (size_t i = 0; i < in.size(); ++i)
    out[i] = static_cast<float>(std::bit_cast<_Float16>(in[i]));
}

void narrow(DType dtype, std::span<const float> in, std::span<uint16_t> out) {
  ATOLL_CHECK(in.size() == out.size(), "sizes differ");
  if (dtype == DType::kBF16) {
    for (size_t i = 0; i < in.size(); ++i) out[i] = bf16_from(in[i]);
    return;
  }
  ATOLL_CHECK(dtype == DType::kF16, "a 16-bit floating-point type");
  for (size_t i = 0; i < in.size(); ++i)
    out[i] = std::bit_cast<uint16_t>(static_cast<_Float16>(in[i]));
}

}  // namespace atl
