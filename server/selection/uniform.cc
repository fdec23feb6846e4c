#include <algorithm>

#include "common/core/rng.h"
#include "server/selection/selector.h"

namespace atl::server {
namespace {

class UniformSelector : public Selector {
 public:
  explicit UniformSelector(uint64_t seed) : seed_(seed) {}

  std::vector<std::string> select(const std::vector<std::string>& candidates, size_t count,
                                  uint32_t round, uint32_t attempt) override {
    auto chosen = candidates;
    if (count >= chosen.size()) return chosen;
    Rng rng(seed_, "cohort", std::to_string(attempt), round);
    rng.shuffle(std::span(chosen));
    chosen.resize(count);
    std::sort(chosen.begin(), chosen.end());
    return chosen;
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<Selector> make_uniform_selector(uint64_t seed) {
  return std::make_unique<UniformSelector>(seed);
}

}  // namespace atl::server
