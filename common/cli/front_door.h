// How a user types the workbench, for messages that say what to type next.
#pragma once

#include <string>

namespace atl::cli {

// "atoll"; or what was typed where a checkout's script started this process, which it says in
// ATOLL_FRONT_DOOR: "./atoll".
std::string front_door();

}  // namespace atl::cli
