// The command line of `atoll data`, without a network and without real data.
#include "experiments/data/data_verb.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "common/core/file.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

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

// A run file says what and how; options go before it.
TEST(DataVerb, ARunFilesOwnDataAreDealtOutAsItSays) {
  const testing::TemporaryFolder folder;
  std::string rows = "size,sort\n";
  for (int i = 0; i < 60; ++i) rows += std::to_string(i) + (i % 2 == 0 ? ",pear\n" : ",plum\n");
  ASSERT_TRUE(write_atomic(folder.path() + "/rows.csv", rows).ok());
  const auto file = folder.path() + "/run.toml";
  ASSERT_TRUE(write_atomic(file,
                           "name = \"mine\"\nseed = 5\n[model]\nname = \"mlp\"\n[data]\nformat = "
                           "\"csv\"\ntrain = \"rows.csv\"\naugment = \"none\"\n[partition]\n"
                           "clients = 3\nmin_examples = 2\n")
                  .ok());
  const auto dealt = [&](const std::string& options) {
    const auto ran = run("data partition " + file + " --json " + options);
    EXPECT_TRUE(ran.status.ok()) << ran.status.error().message();
    return nlohmann::json::parse(ran.output, nullptr, false);
  };
  const auto as_it_says = dealt("--out " + folder.path() + "/shares");
  EXPECT_EQ(as_it_says["seed"], 5);
  EXPECT_EQ(as_it_says["shares"].size(), 3u) << as_it_says;
  for (int client = 1; client <= 3; ++client) {
    const auto share = folder.path() + "/shares/client-" + std::to_string(client);
    const auto train = read_text(share + ".train.indices").value();
    const auto test = read_text(share + ".test.indices").value();
    EXPECT_EQ(std::count(train.begin(), train.end(), '\n'), 16);
    EXPECT_EQ(std::count(test.begin(), test.end(), '\n'), 4);
  }
  const auto two = dealt("--clients 2 --seed 6");
  EXPECT_EQ(two["shares"].size(), 2u);
  EXPECT_EQ(two["seed"], 6);
  EXPECT_NE(dealt("--seed 6")["sha256"], as_it_says["sha256"]);
  ASSERT_TRUE(write_atomic(file,
                           "[data]\nformat = \"csv\"\ntrain = \"rows.csv\"\n[partition]\n"
                           "clients = 0\n")
                  .ok());
  const auto refused = run("data partition " + file).status;
  EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);
  EXPECT_THAT(refused.error().message(),
              ::testing::HasSubstr("partition.clients: must be at least 1"));
}

}  // namespace
}  // namespace atl::workbench
