// Manifest: the names, element types, shapes and roles of a model's tensors, in order, and where
// each lies in the model's *flat bytes*.
//
// Flat bytes are all tensors laid end to end, little-endian, without gaps, ordered by element size
// (8, 4, 2, 1 bytes) and, within a size, by the order in which the model registered them. So every
// element is aligned, and the flat bytes are exactly the data section of the model's safetensors
// file: a server sends a model by reading its file, and a chunk of flat bytes at a multiple of 8
// never cuts an element in two.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/hash.h"
#include "common/core/result.h"
#include "common/tensor/dtype.h"
#include "common/tensor/role.h"

namespace atl {

struct TensorSpec {
  std::string name;  // state-dict name, [A-Za-z0-9._-]+, at most 256 bytes, unique, not
                     // "__metadata__"
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;  // at most 8 dimensions, each >= 0; {} is a scalar
  Role role = Role::kOtherBuffer;
  uint64_t offset = 0;    // in the flat bytes; set by Manifest
  uint64_t elements = 0;  // product of shape; set by Manifest
  uint64_t bytes() const { return elements * size_of(dtype); }
  bool operator==(const TensorSpec&) const = default;
};

// Immutable after make(). Copyable; safe to share between threads.
class Manifest {
 public:
  static constexpr size_t kMaxTensors = 1'000'000;
  static constexpr uint64_t kMaxBytes = 1ull << 44;

  Manifest() = default;
  // Sorts into flat order, computes offsets, and checks names, shapes, products and sums before
  // anything is allocated from them. kProtocol on bad input (it may come from a peer).
  static Result<Manifest> make(std::vector<TensorSpec> tensors);

  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  uint64_t total_bytes() const { return total_bytes_; }
  uint64_t total_elements() const;
  const Digest& digest() const { return digest_; }  // over (name, dtype, shape, role) in flat order
  bool operator==(const Manifest& other) const { return digest_ == other.digest_; }
  const TensorSpec* find(std::string_view name) const;
  // Index of the first tensor whose bytes reach beyond `offset`; tensors().size() when none does.
  size_t first_at(uint64_t offset) const;

  // A few lines for a person: the first tensors that differ between two manifests.
  static std::string describe_difference(const Manifest& ours, const Manifest& theirs);

 private:
  std::vector<TensorSpec> tensors_;
  uint64_t total_bytes_ = 0;
  Digest digest_{};
};

}  // namespace atl
