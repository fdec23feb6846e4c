#include "common/cli/describe.h"

#include <gtest/gtest.h>

namespace atl {
namespace {

struct Program {
  Program() {
    app.require_subcommand(1);
    app.add_option("--log", level, "debug or off");
    auto* token = app.add_subcommand("token", "print a token");
    token->add_option("folder", folder)->required();
    token->add_option("--minutes", minutes, "how long; .5 is none")->capture_default_str();
    token->add_flag("--quiet", quiet, "say nothing");
    token->footer("A back\\slash.");
    auto* data = app.add_subcommand("data", "data sets");
    data->add_subcommand("get", "fetch one")->add_option("--to", folder, "where");
    app.add_subcommand("secret", "not to be told")->group("");
  }
  std::string level, folder;
  int minutes = 60;
  bool quiet = false;
  CLI::App app{"Makes - things.", "atoll-test"};
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Describe, AManualPageHasEveryVerbAndOption) {
  const Program program;
  const auto page = cli::manual_page(program.app);
  EXPECT_TRUE(holds(page, ".TH ATOLL\\-TEST 1 "));
  EXPECT_TRUE(holds(page, ".SH NAME\natoll\\-test \\- Makes \\- things.\n"));
  EXPECT_TRUE(holds(page, ".TP\n.B \\-\\-log TEXT\ndebug or off\n"));
  EXPECT_TRUE(holds(page, ".SS token FOLDER\nprint a token\n"));
  EXPECT_TRUE(holds(page, ".B \\-\\-minutes INT\nhow long; .5 is none (60)\n"));
  EXPECT_TRUE(holds(page, ".B \\-\\-quiet\nsay nothing\n"));
  EXPECT_TRUE(holds(page, ".PP\nA back\\eslash.\n"));
  EXPECT_TRUE(holds(page, ".SS data get\nfetch one\n.TP\n"));
  EXPECT_TRUE(holds(page, ".TP\n.B 3\nconfig\n"));
  EXPECT_TRUE(holds(page, ".TP\n.B 70\ninternal\n"));
  EXPECT_FALSE(holds(page, "secret"));
  EXPECT_FALSE(holds(page, "unknown"));
}

TEST(Describe, TextIsNeverARequestToRoff) {
  CLI::App app(".so /etc/passwd", "x");
  EXPECT_TRUE(holds(cli::manual_page(app), "x \\- \\&.so /etc/passwd\n"));
  EXPECT_TRUE(holds(cli::manual_page(app), "\\&.so"));
}

TEST(Describe, CompletionKnowsWhatFollowsWhat) {
  const Program program;
  const auto script = cli::bash_completion(program.app);
  EXPECT_TRUE(holds(script, "\"\") words=\"token data --help --log \" ;;"));
  EXPECT_TRUE(holds(script, "\" token\") words=\"--help --minutes --quiet \" ;;"));
  EXPECT_TRUE(holds(script, "\" data\") words=\"get --help \" ;;"));
  EXPECT_TRUE(holds(script, "\" data get\") words=\"--help --to \" ;;"));
  EXPECT_TRUE(holds(script, "-F _atoll_test atoll-test\n"));
  EXPECT_FALSE(holds(script, "secret"));
}

TEST(Describe, TheVerbPrintsWhatWasAsked) {
  for (const auto& [word, begin] : {std::pair("man", ".TH "), std::pair("bash", "# Completion")}) {
    Program program;
    const cli::DescribeVerb describe(program.app);
    program.app.parse(std::string("describe ") + word);
    testing::internal::CaptureStdout();
    EXPECT_TRUE(describe.print());
    EXPECT_EQ(testing::internal::GetCapturedStdout().rfind(begin, 0), 0u);
  }
  Program program;
  const cli::DescribeVerb describe(program.app);
  program.app.parse("token f");
  EXPECT_FALSE(describe.print());
  EXPECT_THROW(program.app.parse("describe pdf"), CLI::ParseError);
}

}  // namespace
}  // namespace atl
