#pragma once

#include <string_view>

namespace atl {

std::string_view version();  // "0.1.0", as the top CMakeLists.txt says it

}  // namespace atl
