// Made-up examples, so that a new project runs before its owner's data are there. They can be
// learnt, and are no data of anything.
#pragma once

#include <string>

#include "common/core/result.h"

namespace atl::workbench {

// 300 rows: size, colour, sort (pear or plum).
std::string example_table();
// Grey images of 16 x 16, FOLDER/circle/00.png ... and FOLDER/cross/00.png ...: 60 of each.
Status write_example_images(const std::string& folder);

}  // namespace atl::workbench
