// Where a set's files are on this machine. Files are looked for here, not read.
#pragma once

#include <optional>
#include <string>

#include "client/data/catalogue.h"
#include "common/core/result.h"

namespace atl::data {

// FOLDER/NAME, FOLDER/NAME.gz or FOLDER/NAME.xz, whichever is there first.
std::optional<std::string> find_file(const std::string& folder, const std::string& name);

// The folder that holds the set's files: `folder` itself or `folder`/NAME. kData names what is
// missing.
Result<std::string> locate(const SetEntry& set, const std::string& folder);

// Where a set is on this machine, without any download: ATOLL_DATA (a folder of sets, or the set's
// own), then the cache, ${ATOLL_CACHE:-$HOME/.cache/atoll}/data/NAME, where `atoll data get` puts
// sets.
Result<std::string> find_folder(const SetEntry& set);
std::string cache_folder(const SetEntry& set);

}  // namespace atl::data
