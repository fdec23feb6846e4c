// The command line of `atoll data`, without a network and without real data.
#include "experiments/data/data_verb.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/support/packed.h"

namespace atl::workbench {
namespace {

struct Ran {
  Status status;
  std::string output;
};

// Parses and runs as main does. A command line that cannot be understood is kUsage.
Ran run(std::string line) {
  CLI::App app;
  app.require_subcommand(1);
  Verbs verbs;
  add_data_verb(app, verbs);
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    return {Error(ErrorCode::kUsage, error.what()), ""};
  }
  for (const auto& verb : verbs) {
    if (!verb.app->parsed()) continue;
    ::testing::internal::CaptureStdout();
    auto status = verb.run();
    return {std::move(status), ::testing::internal::GetCapturedStdout()};
  }
  return {Error(ErrorCode::kInternal, "no verb was chosen"), ""};
}

TEST(DataVerb, ListsTheCatalogue) {
  const auto plain = run("data list");
  ASSERT_TRUE(plain.status.ok());
  EXPECT_THAT(plain.output, ::testing::HasSubstr("fashion_mnist"));
  const auto ran = run("data list --json");
  ASSERT_TRUE(ran.status.ok());
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(ran.output);
  EXPECT_EQ(json["sets"].size(), 8U);
  EXPECT_EQ(json["sets"][0]["name"], "mnist");
  EXPECT_EQ(json["sets"][0]["train"], 60000);
}

TEST(DataVerb, WrongCommandLinesAreUsageErrors) {
  for (const char* line :
       {"data", "data get", "data partition", "data fetch mnist",
        "data partition digits --scheme fair", "data partition digits --clients x"})
    EXPECT_EQ(run(line).status.error().code(), ErrorCode::kUsage) << line;
  for (const char* line : {"data get nothing", "data verify nothing", "data partition nothing"})
    testing::expect_error(run(line).status, ErrorCode::kUsage, {"\"nothing\""});
}

TEST(DataVerb, AMissingFolderIsNamed) {
  for (const char* line :
       {"data verify digits --folder /no/such", "data get digits --from /no/such",
        "data partition digits --folder /no/such"})
    testing::expect_error(run(line).status, ErrorCode::kData, {"/no/such"});
}

}  // namespace
}  // namespace atl::workbench
