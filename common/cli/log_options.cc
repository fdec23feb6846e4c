#include "common/cli/log_options.h"

#include "common/core/log.h"

namespace atl::cli {

void add_log_options(CLI::App& app) {
  app.add_option_function<std::string>(
         "--log",
         [](const std::string& name) {
           log::set_level(log::level_from_string(name, log::Level::kInfo));
         },
         "debug, info, warn, error or off")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->default_str("info");
  app.add_option_function<std::string>(
         "--log-format",
         [](const std::string& name) {
           log::set_format(name == "json" ? log::Format::kJson : log::Format::kText);
         },
         "text, or json: an object a line, with time (UTC), level, area and text")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
}

}  // namespace atl::cli
