// Named fault points: places where a test may make the program fail, freeze or die.
//
//   ATOLL_CO_TRY(fault::point("commit"));
//
// Set ATOLL_FAULT="commit=kill@3" in the environment: the third time the point is reached, the
// process kills itself with SIGKILL. Actions: error, kill, stop (SIGSTOP). The points are in every
// build, so that what is tested is what is shipped: without the variable a point costs one load.
// A program that finds it set says so. Thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "common/core/result.h"

namespace atl::fault {

namespace detail {
extern const bool armed;
Status reach(std::string_view name, std::string_view suffix);
}  // namespace detail

// The name is `name` and `suffix` together, for points inside what several callers share.
inline Status point(std::string_view name, std::string_view suffix = {}) {
  if (!detail::armed) [[likely]]
    return {};
  return detail::reach(name, suffix);
}

// Every name that the program knows, for tests that are generated from the list. Those that begin
// with "client." are reached by clients, the others by the server.
std::vector<std::string_view> names();

}  // namespace atl::fault
