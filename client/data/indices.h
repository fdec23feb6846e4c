// Index files: one client's share of a data set, one index a line in decimal, as `atoll data
// partition` writes them and `atoll-client run` reads them.
#pragma once

#include <string>

#include "client/data/dataset.h"
#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

std::string to_text(const Indices& indices);

// Refuses, with the line's number, what is not a number, an index at or above `examples` (the size
// of the set it points into), and one that stands there twice.
Result<Indices> parse_indices(ByteView text, const std::string& name, size_t examples);
Result<Indices> read_indices(const std::string& path, size_t examples);

}  // namespace atl::data
