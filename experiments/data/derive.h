// Data sets made from a part or a variant of another.
#pragma once

#include <vector>

#include "client/data/dataset.h"
#include "common/core/result.h"

namespace atl::workbench {

// `count` examples, drawn from the seed, of each class as many as of any other (to one; the lower
// classes have the odd ones), in the order of the original. kData when a class has too few, with
// the largest count that can be had.
Result<data::SharedDataset> stratified_subset(const data::SharedDataset& set, size_t count,
                                              uint64_t seed);
// The indices of such a subset, ascending.
Result<data::Indices> stratified_indices(const data::Dataset& set, size_t count, uint64_t seed);
// The same of several subsets that have no example in common.
Result<std::vector<data::Indices>> stratified_parts(const data::Dataset& set,
                                                    const std::vector<size_t>& counts,
                                                    uint64_t seed);

// Images with a border of zero bytes (black) around, the image in the middle: 28x28 -> 32x32. Mean
// and deviation stay those of the original. kData unless these are images of bytes, no larger.
Result<data::SharedDataset> padded(const data::SharedDataset& set, int64_t side);

}  // namespace atl::workbench
