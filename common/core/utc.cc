#include "common/core/utc.h"

#include <ctime>

namespace atl {

std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string utc_day(std::chrono::system_clock::time_point time) {
  return utc_text(time).substr(0, 10);
}

}  // namespace atl
