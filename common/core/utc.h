// Points in time as text, for files and logs.
#pragma once

#include <chrono>
#include <string>

namespace atl {

std::string utc_text(std::chrono::system_clock::time_point time);  // "2026-01-31T12:00:00Z"
std::string utc_day(std::chrono::system_clock::time_point time);   // "2026-01-31"

}  // namespace atl
