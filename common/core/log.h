// Log lines on standard error: "time level area: text", or JSON. spdlog stays behind this header,
// because its fmt must not meet LibTorch's in one translation unit.
#pragma once

#include <string>
#include <string_view>

namespace atl::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };
void set_level(Level level);  // process-wide; call before threads start
enum class Format {
  kText,
  kJson,  // {"time": "2026-01-31T08:15:00.123Z", "level": "info", "area": "server", "text": "..."}
};
void set_format(Format format);  // as set_level()
Level level_from_string(std::string_view name, Level otherwise);

void debug(std::string_view area, const std::string& text);
void info(std::string_view area, const std::string& text);
void warn(std::string_view area, const std::string& text);
void error(std::string_view area, const std::string& text);

}  // namespace atl::log
