#include "common/core/log.h"

#include <nlohmann/json.hpp>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace atl::log {
namespace {

spdlog::logger& logger() {
  static auto instance = [] {
    auto made = spdlog::stderr_color_mt("atoll");
    made->set_pattern("%H:%M:%S.%e %^%L%$ %v");
    return made;
  }();
  return *instance;
}

// One line stays one line, and no terminal obeys it: a text may hold what a peer sent.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

bool as_json = false;

// What follows the time and the level. Bytes that are not UTF-8 are replaced.
std::string json_rest(std::string_view area, const std::string& text) {
  const nlohmann::ordered_json rest{{"area", area}, {"text", text}};
  return rest.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(1);
}

void write(spdlog::level::level_enum level, std::string_view area, const std::string& text) {
  if (!logger().should_log(level)) return;
  if (as_json)
    logger().log(level, json_rest(area, text));
  else
    logger().log(level, "{}: {}", area, printable(text));
}

}  // namespace

void set_level(Level level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err,
                                                   spdlog::level::off};
  logger().set_level(kLevels[static_cast<int>(level)]);
}

void set_format(Format format) {
  as_json = format == Format::kJson;
  if (as_json)
    logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)",
                         spdlog::pattern_time_type::utc);
  else
    logger().set_pattern("%H:%M:%S.%e %^%L%$ %v");
}

Level level_from_string(std::string_view name, Level otherwise) {
  if (name == "debug") return Level::kDebug;
  if (name == "info") return Level::kInfo;
  if (name == "warn") return Level::kWarn;
  if (name == "error") return Level::kError;
  if (name == "off") return Level::kOff;
  return otherwise;
}

void debug(std::string_view area, const std::string& text) {
  write(spdlog::level::debug, area, text);
}
void info(std::string_view area, const std::string& text) {
  write(spdlog::level::info, area, text);
}
void warn(std::string_view area, const std::string& text) {
  write(spdlog::level::warn, area, text);
}
void error(std::string_view area, const std::string& text) {
  write(spdlog::level::err, area, text);
}

}  // namespace atl::log
