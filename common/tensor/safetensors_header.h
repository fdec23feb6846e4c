// The JSON header of a safetensors file, read and written in one pass: time and memory grow with
// the number of tensors, not with its square. Included by safetensors.cc only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/tensor/safetensors.h"

namespace atl::safetensors {

struct Placed {
  TensorSpec spec;  // role, offset and elements are not the header's to say
  uint64_t begin = 0, end = 0;
};

struct Header {
  Metadata metadata;
  std::vector<Placed> tensors;  // in the header's order
};

// Checks the form alone: types, known element types, names that stand there twice. The error is the
// reason, for a person: what it is of is the caller's to say. Bounded by the text's length.
Result<Header> parse_header(std::string_view text);

// How long header_text() will be at least: all but `metadata`. Allocates nothing of that size.
uint64_t header_size(const Manifest& manifest);

// The header's text, padded to a multiple of 8. `metadata` as it will stand there.
std::string header_text(const Manifest& manifest, const Metadata& metadata);

}  // namespace atl::safetensors
