// Named fault points: places where a test may make the program fail, freeze or die.
//
//   ATOLL_CO_TRY(fault::point("checkpoint.rename"));
//
// Set ATOLL_FAULT="checkpoint.rename=kill@3" in the environment: the third time the point is
// reached, the process kills itself with SIGKILL. Actions: error, kill, stop (SIGSTOP). Built only
// with -DATOLL_FAULTS=ON (all presets but release); otherwise point() is an empty inline function.
#pragma once

#include <string_view>

#include "common/core/result.h"

namespace atl::fault {

#ifdef ATOLL_FAULTS
Status point(std::string_view name);
#else
inline Status point(std::string_view) { return {}; }
#endif

// Every name that the program knows, for tests that are generated from the list.
std::vector<std::string_view> names();

}  // namespace atl::fault
