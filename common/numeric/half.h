// float16 and bfloat16 as raw 16-bit words: exact widening, and narrowing by round to nearest, ties
// to even.
#pragma once

#include <cstdint>
#include <span>

#include "common/tensor/dtype.h"

namespace atl {

// dtype is kF16 or kBF16; both spans have the same size.
void widen(DType dtype, std::span<const uint16_t> in, std::span<float> out);
void narrow(DType dtype, std::span<const float> in, std::span<uint16_t> out);

}  // namespace atl
