#include "common/core/rng.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "common/core/check.h"
#include "common/core/hash.h"

namespace atl {
namespace {

// The stream's name, each part with its length before it so that no two names run together.
std::string encode_name(uint64_t seed, std::string_view purpose, std::string_view a, uint64_t b) {
  std::string text;
  auto add_number = [&text](uint64_t value) {
    for (int i = 0; i < 8; ++i) text += static_cast<char>(value >> (8 * i));
  };
  add_number(seed);
  add_number(purpose.size());
  text += purpose;
  add_number(a.size());
  text += a;
  add_number(b);
  return text;
}

uint32_t word_at(const Digest& digest, size_t index) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4; ++i)
    word |= std::to_integer<uint32_t>(digest[index * 4 + i]) << (8 * i);
  return word;
}

}  // namespace

void philox_4x32_10(std::array<uint32_t, 4>& x, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = 0xD2511F53ull * x[0];
    const uint64_t p1 = 0xCD9E8D57ull * x[2];
    x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
}

Rng::Rng(uint64_t seed, std::string_view purpose, std::string_view a, uint64_t b) {
  const auto digest = sha256(as_bytes(encode_name(seed, purpose, a, b)));
  key_ = {word_at(digest, 0), word_at(digest, 1)};
  for (size_t i = 0; i < 4; ++i) counter_[i] = word_at(digest, 2 + i);
}

void Rng::refill() {
  block_ = counter_;
  philox_4x32_10(block_, key_);
  for (auto& word : counter_) {
    if (++word != 0) break;
  }
  used_ = 0;
}

uint32_t Rng::next_u32() {
  if (used_ == 4) refill();
  return block_[static_cast<size_t>(used_++)];
}

uint64_t Rng::next_u64() {
  const uint64_t low = next_u32();
  return low | static_cast<uint64_t>(next_u32()) << 32;
}

double Rng::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

uint64_t Rng::below(uint64_t bound) {
  ATOLL_CHECK(bound >= 1, "a bound of at least 1");
  // The last, incomplete run of `bound` values would favour small results; draw again there.
  const uint64_t limit = bound * (UINT64_MAX / bound);
  uint64_t value;
  do {
    value = next_u64();
  } while (value >= limit);
  return value % bound;
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

double Rng::gamma(double shape) {
  ATOLL_CHECK(shape > 0 && std::isfinite(shape), "a positive shape");
  if (shape < 1) {
    const double u = 1 - uniform();
    return gamma(shape + 1) * std::pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double t = 1 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t;
    if (std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

}  // namespace atl
