// The benchmarks' harness: what is printed, what counts as missed, and the generated updates.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/bench/bench.h"
#include "experiments/bench/generated_trainer.h"
#include "experiments/bench/process.h"
#include "experiments/bench/scratch.h"

namespace atl::bench {
namespace {

TEST(BenchSample, QuantilesLieBetweenNeighbours) {
  const Sample sample({4, 1, 3, 2});
  EXPECT_EQ(sample.least(), 1);
  EXPECT_EQ(sample.most(), 4);
  EXPECT_EQ(sample.median(), 2.5);
  EXPECT_NEAR(sample.quantile(0.99), 3.97, 1e-12);
  EXPECT_EQ(Sample({7}).quantile(0.99), 7);
}

TEST(BenchReport, OnlyEnforcedBarsAreMissed) {
  Report report("wire");
  report.at_least("fast", 0.71, 0.70, Enforce::kHard);
  report.at_least("slow", 0.69, 0.70, Enforce::kHard);
  report.at_least("shown", 0.1, 0.70, Enforce::kShownOnly);
  report.at_most("large", 2.3, 2.2, Enforce::kHard);
  report.holds("fact", false);
  report.holds("truth", true);
  const auto missed = report.missed();
  ASSERT_EQ(missed.size(), 3u);
  EXPECT_EQ(missed[0], "slow is 0.69, must be >= 0.7");
  EXPECT_EQ(missed[1], "large is 2.3, must be <= 2.2");
  EXPECT_EQ(missed[2], "fact is false, must be true");
}

TEST(BenchReport, JsonIsOneLineWithValueLimitAndHolds) {
  Report report("wire");
  report.figure("speed", Sample({1, 2, 3}), "GB/s");
  report.at_least("tls_over_bare", 0.81, 0.70, Enforce::kHard);
  const auto text = report.json();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("bench"), "wire");
  EXPECT_GE(json.at("machine").at("cores").get<int>(), 1);
  EXPECT_EQ(json.at("figures").at("speed").at("value"), 2.0);
  EXPECT_EQ(json.at("figures").at("speed").at("least"), 1.0);
  const auto& bar = json.at("bars").at("tls_over_bare");
  EXPECT_EQ(bar.at("value"), 0.81);
  EXPECT_EQ(bar.at("limit"), ">= 0.7");
  EXPECT_EQ(bar.at("holds"), true);
}

TEST(BenchReport, TheTableSaysWhatIsMissed) {
  Report report("server");
  report.at_most("ready_ms", 120, 100, Enforce::kShownOnly);
  std::ostringstream out;
  report.print(out);
  EXPECT_NE(out.str().find("MISSED (shown only)"), std::string::npos) << out.str();
}

TEST(BenchSize, ReadsUnitsAndRefusesNonsense) {
  EXPECT_EQ(parse_size("256MB").value(), 256ull << 20);
  EXPECT_EQ(parse_size("3GB").value(), 3ull << 30);
  EXPECT_EQ(parse_size("8192").value(), 8192u);
  for (const char* bad : {"", "MB", "-3MB", "0", "3TB", "3 MB", "nan", "1e300GB"})
    EXPECT_FALSE(parse_size(bad).ok()) << bad;
}

// A piece of an update is the same however it is cut, and what generated_value() says.
TEST(BenchUpdates, AreAFunctionOfClientAndPosition) {
  const uint64_t first = 262'147 - 5;  // the table wraps inside the piece
  std::vector<float> piece(64);
  generate_bytes(3, first * sizeof(float), std::as_writable_bytes(std::span(piece)));
  for (size_t i = 0; i < piece.size(); ++i) EXPECT_EQ(piece[i], generated_value(3, first + i)) << i;
  EXPECT_NE(generated_value(3, 0), generated_value(4, 0));
}

TEST(BenchUpdates, TheModelHasTheSizeAskedFor) {
  const auto manifest = generated_manifest(1 << 20, 64, true).value();
  EXPECT_EQ(manifest.total_bytes(), 1u << 20);
  EXPECT_EQ(manifest.tensors().size(), 65u);
  EXPECT_EQ(manifest.find("empty")->elements, 0u);
  EXPECT_FALSE(generated_manifest(16, 64, false).ok());
}

TEST(BenchScratch, AFullDiskIsSaidBeforeAnythingIsWritten) {
  const auto scratch = Scratch::make("", uint64_t{1} << 60);
  ASSERT_FALSE(scratch.ok());
  EXPECT_EQ(scratch.error().code(), ErrorCode::kDiskFull);
  EXPECT_NE(scratch.error().hint().find("--scratch"), std::string::npos);
}

TEST(BenchProcess, TellsWhatAFailedProgramSaid) {
  const auto fine = output_of({"sh", "-c", "echo out; echo advice >&2"});
  ASSERT_TRUE(fine.ok());
  EXPECT_EQ(*fine, "out\n");
  const auto failed = output_of({"sh", "-c", "echo sorry >&2; exit 3"});
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message().find("status 3"), std::string::npos);
  EXPECT_NE(failed.error().message().find("sorry"), std::string::npos);

  auto process = Process::start({"sh", "-c", "echo ready at 7 >&2; exec sleep 60"}).value();
  EXPECT_EQ(process->wait_for("ready at ").value(), "7");
  Usage usage;
  EXPECT_TRUE(process->usage(usage));
  EXPECT_GT(usage.peak_rss, 0u);
}

}  // namespace
}  // namespace atl::bench
