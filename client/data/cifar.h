// CIFAR-10's binary files: records of one label byte and 3072 pixel bytes, the red, green and blue
// planes of a 32 x 32 image in row-major order. Source: Krizhevsky 2009, "Learning Multiple Layers
// of Features from Tiny Images", and the set's own page.
#pragma once

#include <string>
#include <vector>

#include "client/data/dataset.h"
#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

inline constexpr size_t kCifarPixels = 3 * 32 * 32;
inline constexpr size_t kCifarRecord = 1 + kCifarPixels;
inline constexpr uint32_t kCifarClasses = 10;

// An empty set of CIFAR's shape, to which files are appended in order.
Dataset empty_cifar(const std::string& name);
// Refuses a file that is empty, is not a whole number of records, or holds a label above 9; `set`
// is unchanged then.
Status append_cifar(Dataset& set, ByteView file, const std::string& name);
// Files, plain or packed, one after another.
Result<Dataset> read_cifar(const std::vector<std::string>& paths);

}  // namespace atl::data
