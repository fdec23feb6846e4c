// Folders that are there whole or not at all.
#pragma once

#include <functional>
#include <string>

#include "common/core/result.h"

namespace atl {

// Makes `folder`: `fill` gets the path of a folder beside it, fills it, and it is renamed when all
// is well; else nothing is left. The caller has made sure that there is none of the name.
Status write_folder(const std::string& folder,
                    const std::function<Status(const std::string& part)>& fill);

}  // namespace atl
