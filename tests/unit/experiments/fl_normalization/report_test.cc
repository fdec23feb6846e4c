// What a study says: nothing is hidden, and every form has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/core/file.h"
#include "experiments/fl_normalization/output/study_report.h"
#include "experiments/report/heat_map.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/experiments/fl_normalization/made_results.h"

namespace atl::study {
namespace {

using atl::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<StudyReport> report() {
  StudyPlan plan{"cpu",
                 55,
                 2,
                 {0.01, 0.1},
                 {{"lenet bn", 1000}, {"lenet ln", 1000}},
                 {},
                 {},
                 {"lenet: 20 rounds instead of 60"}};
  Cell cell;
  cell.rounds = 5;
  std::vector<CellResult> tuned, results;
  for (const double rate : {0.01, 0.1}) {
    Cell tune = cell;
    tune.rate = rate;
    tune.seed = 1000;
    plan.tuning.push_back(tune);
    tuned.push_back(testing::made(tune, "bn", 1000, rate == 0.1 ? 0.36 : 0.25));
  }
  for (const uint64_t seed : {1, 2, 3}) {
    results.push_back(testing::made(cell, "bn", seed, 0.40));
    results.push_back(testing::made(cell, "ln", seed, 0.37 + 0.01 * static_cast<double>(seed)));
  }
  results.push_back(testing::failed(cell, "none", 1));
  results[0].alarms["scale_invariant"] = 4;
  results[0].bn.add({5.0, "norm1", 0.5, 0.25, 0.125});
  for (const auto& result : results) plan.cells.push_back(result.cell);
  plan.cells.push_back(cell);  // one that is not done
  return make_report(plan, tuned, results);
}

// Else one would stand in the other's place on the map.
TEST(StudyReport, RegimesOfTwoSetsAreToldApart) {
  EXPECT_THAT(to_text(*report()), Not(HasSubstr("cifar10 lenet 2cls, 500")));
  StudyPlan plan{"two", 55, 2, {0.1}, {{"lenet bn", 1000}, {"lenet ln", 1000}}, {}, {}, {}};
  std::vector<CellResult> results;
  for (const char* set : {"cifar10", "fashion_mnist"}) {
    for (const char* partition : {"1cls", "2cls"}) {
      Cell cell;
      cell.rounds = 5;
      cell.data = set;
      cell.partition = partition;
      for (const uint64_t seed : {1, 2, 3}) {
        results.push_back(testing::made(cell, "bn", seed, 0.40));
        results.push_back(testing::made(cell, "ln", seed, 0.37));
      }
    }
  }
  for (const auto& result : results) plan.cells.push_back(result.cell);
  const auto both = make_report(plan, {}, results);
  for (const char* name : {"cifar10 ", "fashion_mnist "}) {
    EXPECT_THAT(to_text(*both), HasSubstr(std::string(name) + "lenet 2cls, 500"));
    EXPECT_THAT(to_page(*both), HasSubstr(std::string(name) + "2cls<"));
  }
}

TEST(StudyReport, TextSaysWhatWasCutWhatFailedAndWhatIsMissing) {
  const auto text = to_text(*report());
  EXPECT_THAT(text, HasSubstr("lenet: 20 rounds instead of 60"));
  EXPECT_THAT(text, HasSubstr("not finished: 1 of 10 cells are missing"));
  EXPECT_THAT(text, HasSubstr("failed: cifar10-lenet"));
  EXPECT_THAT(text, HasSubstr("the loss is not finite"));
  EXPECT_THAT(text, HasSubstr("alarm: "));
  EXPECT_THAT(text, HasSubstr("25.0  36.0     0.1"));  // the grid and the choice
  EXPECT_THAT(text, HasSubstr("-2.0, -1.0, +0.0"));    // LN against BN by seed
  EXPECT_THAT(text, HasSubstr("-1.0 [-3.5, 1.5]"));    // -1 -+ 4.303 / sqrt 3
  EXPECT_THAT(text, HasSubstr("D2 does not hold"));
  EXPECT_THAT(text, HasSubstr("lenet, published"));
  EXPECT_THAT(text, HasSubstr("75.00 % of the workers' time was training"));
}

TEST(StudyReport, FilesHaveOneHeaderAndEveryRun) {
  TemporaryFolder folder;
  const auto made = report();
  ASSERT_TRUE(write_files(*made, folder.path()).ok());
  const auto curve = read_text(folder.path() + "/curve.csv").value();
  EXPECT_EQ(curve.rfind("run_id,round,images_seen,", 0), 0U);
  EXPECT_EQ(std::count(curve.begin(), curve.end(), '\n'), 1 + 6 * 6);
  const auto runs = read_text(folder.path() + "/runs.csv").value();
  EXPECT_EQ(std::count(runs.begin(), runs.end(), '\n'), 1 + 2 + 7);
  EXPECT_THAT(read_text(folder.path() + "/bn.csv").value(), HasSubstr(",5,norm1,0.5,0.25,0.125\n"));
  const auto json = nlohmann::json::parse(read_text(folder.path() + "/summary.json").value());
  EXPECT_EQ(json.at("missing"), 1);
  const auto& ln = json.at("settings").at(0).at("methods").at("ln").at("against_bn");
  EXPECT_NEAR(ln.at("mean").get<double>(), -1, 1e-9);
  EXPECT_EQ(json.at("rates").at("cifar10-lenet-2cls-20x500-k8-e2-b32-m0 bn"), 0.1);
}

TEST(StudyReport, ThePageLoadsNothingAndEscapes) {
  const auto page = to_page(*report());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("does not hold"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
}

TEST(HeatMap, ColoursBySignAndDepthAndLeavesHolesEmpty) {
  workbench::HeatMap map;
  map.corner = "p";
  map.columns = {"a<b", "c", "d", "e"};
  map.rows = {"r"};
  map.cells = {{{2.4, "x", true}, {-25, "\"", false}, {NAN, "", true}, {0, "", true}}};
  const auto html = draw(map);
  EXPECT_THAT(html, HasSubstr("<td class=\"h3\" title=\"x\">+2.4</td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"n10\" title=\"&quot;\"><i>-25.0</i></td>"));
  EXPECT_THAT(html, HasSubstr("<td></td><td title=\"\">0.0</td>"));
  EXPECT_THAT(html, HasSubstr("a&lt;b"));
}

}  // namespace
}  // namespace atl::study
