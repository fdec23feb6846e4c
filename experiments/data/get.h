// Getting data sets: found on this machine where they are, downloaded where they are not. Every
// file is checked against the catalogue's digests, wherever it came from. Nothing is downloaded
// but by get_dataset() and find_or_get().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/data/catalogue.h"
#include "client/data/open.h"
#include "common/core/result.h"

namespace atl::workbench {

struct GetOptions {
  std::string from;    // a folder that holds the set; empty: ATOLL_DATA, then the cache
  std::string folder;  // where to put the set; empty: in place if it is at hand, else the cache
};

struct Got {
  std::string folder;
  bool downloaded = false;
  std::vector<data::VerifiedFile> files;
};

// Leaves a verified set in the folder that it returns. A set that is at hand but damaged is an
// error, unless it lies in the cache (or in options.folder), where it is mended by a download.
Result<Got> get_dataset(std::string_view name, const GetOptions& options = {});

// The folder of a set that is on this machine. Never downloads; looks for files, does not read.
Result<std::string> find(std::string_view name);
// The same, with a download into the cache where it is not.
Result<std::string> find_or_get(std::string_view name);

// Downloads what `folder` lacks of the set's files (fetch_data.py). Needs python3; progress goes to
// standard error; no network wait is longer than some 20 seconds without a byte.
Status fetch_files(const data::SetEntry& set, const std::string& folder);

}  // namespace atl::workbench
