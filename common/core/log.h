// Log lines on standard error: "time level area: text". spdlog stays behind this header, because
// its fmt must not meet LibTorch's in one translation unit.
#pragma once

#include <string>
#include <string_view>

namespace atl::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };
void set_level(Level level);  // process-wide; call before threads start
Level level_from_string(std::string_view name, Level otherwise);

void debug(std::string_view area, const std::string& text);
void info(std::string_view area, const std::string& text);
void warn(std::string_view area, const std::string& text);
void error(std::string_view area, const std::string& text);

}  // namespace atl::log
