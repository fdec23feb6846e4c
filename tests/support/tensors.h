// Small tensors for tests.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/tensor/manifest.h"

namespace atl::testing {

inline TensorSpec spec(std::string name, DType dtype, std::vector<int64_t> shape,
                       Role role = Role::kOtherBuffer) {
  TensorSpec tensor;
  tensor.name = std::move(name);
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.role = role;
  return tensor;
}

// The bytes of a list of numbers, and back.
template <typename T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
template <typename T>
std::vector<T> values_of(ByteView bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}
inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace atl::testing
