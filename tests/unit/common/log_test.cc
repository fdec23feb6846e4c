#include "common/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/cli/log_options.h"

namespace atl {
namespace {

class Log : public ::testing::Test {
 protected:
  ~Log() override {
    log::set_format(log::Format::kText);
    log::set_level(log::Level::kOff);
  }
  static void parse(const std::string& line) {
    CLI::App app;
    cli::add_log_options(app);
    app.parse(line);
  }
  template <typename Call>
  static std::string written(const Call& call) {
    testing::internal::CaptureStderr();
    call();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, ALineStaysALineWhateverAPeerSent) {
  parse("--log info");
  const auto text = written([] { log::warn("net", "two\nlines \x1b[31m"); });
  EXPECT_THAT(text, ::testing::EndsWith(" net: two?lines ?[31m\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST_F(Log, JsonIsOneObjectALine) {
  parse("--log info --log-format json");
  const auto text = written([] {
    log::info("server", "a \"word\"\n\xff {} %v");
    log::debug("server", "not told");
    log::error("server", "next");
  });
  std::istringstream lines(text);
  std::vector<nlohmann::json> read;
  for (std::string line; std::getline(lines, line);) read.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(read.size(), 2u) << text;
  EXPECT_EQ(read[0]["level"], "info");
  EXPECT_EQ(read[0]["area"], "server");
  EXPECT_EQ(read[0]["text"], "a \"word\"\n\xEF\xBF\xBD {} %v");
  EXPECT_THAT(read[0]["time"].get<std::string>(),
              ::testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:]+[.][0-9]+Z"));
  EXPECT_EQ(read[1]["level"], "error");
}

TEST_F(Log, AnUnknownLevelOrFormatIsRefused) {
  EXPECT_THROW(parse("--log loud"), CLI::ValidationError);
  EXPECT_THROW(parse("--log-format xml"), CLI::ValidationError);
}

}  // namespace
}  // namespace atl
