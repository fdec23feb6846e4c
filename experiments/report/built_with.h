// What a record of an experiment says about this program's build.
#pragma once

#include <string_view>

namespace atl::workbench {

std::string_view torch_version();  // of the LibTorch that it was built against; "none" without one

}  // namespace atl::workbench
