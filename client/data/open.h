// Opens a set of the catalogue from a folder: finds its files under any packing, unpacks them side
// by side, checks every digest, and reads them. A file that is truncated, mislabelled or changed
// never becomes a Dataset.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/data/catalogue.h"
#include "client/data/dataset.h"
#include "common/core/result.h"

namespace atl::data {

// Digests of the set's files, each checked.
struct VerifiedFile {
  std::string path;
  uint64_t bytes = 0;  // unpacked
  std::string sha256;  // of the unpacked content
};
Result<std::vector<VerifiedFile>> verify_dataset(std::string_view name, const std::string& folder);

Result<DataSplits> open_dataset(std::string_view name, const std::string& folder);

}  // namespace atl::data
