// FedAvg (McMahan et al., AISTATS 2017, arXiv 1602.05629, algorithm 1): w <- sum_k (n_k / n) w_k.
//
// The weights n_k stay integers and the division by n = sum_k n_k comes last, so they sum to one
// exactly.
#include "common/numeric/exact_sum.h"
#include "server/aggregation/rule.h"

namespace atl::server {
namespace {

class FedAvg : public AggregationRule {
 public:
  void init(size_t elements) override { sum_.reset(elements); }
  void accumulate(uint64_t n_k, std::span<const float> w_k) override { sum_.add(n_k, w_k); }
  void accumulate(uint64_t n_k, std::span<const double> w_k) override { sum_.add(n_k, w_k); }
  void merge(const AggregationRule& other) override {
    sum_.merge(static_cast<const FedAvg&>(other).sum_);
  }
  void finish(std::span<float> w) const override { sum_.mean(w); }
  void finish(std::span<double> w) const override { sum_.mean(w); }

 private:
  ExactSum sum_{0};
};

}  // namespace

Result<std::unique_ptr<AggregationRule>> make_rule(const std::string& name) {
  if (name == "fedavg") return std::unique_ptr<AggregationRule>(std::make_unique<FedAvg>());
  return Error(ErrorCode::kConfig, "unknown aggregation rule \"" + name + "\"; known: fedavg");
}

}  // namespace atl::server
