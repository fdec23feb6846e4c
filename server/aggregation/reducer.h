// Reducer: turns K complete updates into the next model, slice by slice, as the model's file is
// written.
//
// fill(offset, out) computes any range of the next model's flat bytes: for each tensor in the range
// it reads that range from every update and applies the tensor's treatment. Memory: a few slices,
// whatever K and the model's size.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/tensor/safetensors.h"
#include "server/aggregation/policy.h"
#include "server/aggregation/rule.h"
#include "server/store/upload.h"

namespace atl::server {

struct Contribution {
  std::string client;
  uint64_t weight = 1;             // >= 1
  const Upload* update = nullptr;  // complete
};

class Reducer {
 public:
  // `current` is the model that the round started from (for kKeep). All must outlive the reducer.
  // Weights that together exceed 2^32 - 1 are halved until they fit (each stays at least 1).
  // kConfig when there is no such rule.
  static Result<Reducer> make(const SafetensorsFile& current, const Policy& policy,
                              const std::string& rule, std::vector<Contribution> contributions);
  // The same with a rule that has no name.
  static Reducer make(const SafetensorsFile& current, const Policy& policy,
                      std::unique_ptr<AggregationRule> rule,
                      std::vector<Contribution> contributions);

  Status fill(uint64_t offset, MutableByteView out);

  // After the whole model was filled: no tensor's mean may be longer than the longest update's (a
  // sign that weights do not sum to one, which normalised networks would hide). kInternal naming
  // the tensor.
  Status check_norms() const;

 private:
  Reducer(const SafetensorsFile& current, const Policy& policy,
          std::unique_ptr<AggregationRule> rule, std::vector<Contribution> contributions);
  Status fill_tensor(size_t tensor, uint64_t first, MutableByteView out);
  template <typename T>
  Status fill_mean(size_t tensor, uint64_t offset, std::span<T> out);
  Status fill_half(size_t tensor, uint64_t offset, MutableByteView out);
  Status fill_pooled(size_t tensor, uint64_t first, std::span<float> out);
  Status fill_max(uint64_t offset, MutableByteView out, DType dtype);
  template <typename T>
  void add_norms(size_t tensor, size_t slot, std::span<const T> values);

  const SafetensorsFile& current_;
  const Policy& policy_;
  std::unique_ptr<AggregationRule> rule_;
  std::vector<Contribution> contributions_;
  Bytes scratch_, scratch2_;
  // Squared norms per mean-treated tensor: of each contribution, then of the result.
  std::vector<std::vector<double>> norms_;
};

}  // namespace atl::server
