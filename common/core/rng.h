// Random numbers that depend on what they are for and on nothing else.
//
// A stream is named by (seed, purpose, a, b): for example (run seed, "shuffle", hash of the
// client's name, round). Two streams with different names are independent; the same name gives the
// same numbers in every process, on every thread, in any order. The generator is Philox-4x32-10
// (Salmon et al., SC 2011), keyed by the SHA-256 of the stream's name.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace atl {

// The block function: ten rounds on a counter under a key. Exposed for its known-answer test.
void philox_4x32_10(std::array<uint32_t, 4>& counter, std::array<uint32_t, 2> key);

// Not shared between threads. Copies continue independently from the same point.
class Rng {
 public:
  Rng(uint64_t seed, std::string_view purpose, std::string_view a = {}, uint64_t b = 0);

  uint32_t next_u32();
  uint64_t next_u64();
  double uniform();                // [0, 1), 53 bits
  uint64_t below(uint64_t bound);  // [0, bound), unbiased; bound >= 1
  double normal();                 // mean 0, variance 1 (Box-Muller)
  double gamma(double shape);      // scale 1 (Marsaglia-Tsang 2000), shape > 0

  template <typename T>
  void shuffle(std::span<T> items) {  // Fisher-Yates
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  void refill();
  std::array<uint32_t, 4> counter_{};
  std::array<uint32_t, 2> key_{};
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_ = false;
  double spare_ = 0;
};

}  // namespace atl
