// Who takes part in a round.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::server {

class Selector {
 public:
  virtual ~Selector() = default;
  // Picks `count` of the candidates (names, sorted, all different); all of them when there are
  // fewer. A function of its arguments and of the run's seed alone.
  virtual std::vector<std::string> select(const std::vector<std::string>& candidates, size_t count,
                                          uint32_t round, uint32_t attempt) = 0;
};

// Without replacement, each subset equally likely; the stream is (seed, "cohort", attempt, round).
std::unique_ptr<Selector> make_uniform_selector(uint64_t seed);

}  // namespace atl::server
