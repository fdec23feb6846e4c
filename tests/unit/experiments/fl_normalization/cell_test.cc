// Cells, their keys and their results' files.
#include "experiments/fl_normalization/study/cell_result.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/experiments/fl_normalization/made_results.h"

namespace atl::study {
namespace {

using atl::testing::TemporaryFolder;

TEST(Cell, EveryFieldIsInTheKey) {
  const std::vector<std::function<void(Cell&)>> changes{
      [](Cell& c) { c.data = "fashion_mnist"; },
      [](Cell& c) { c.model = "vgg_mini"; },
      [](Cell& c) { c.norm = "gn:2"; },
      [](Cell& c) { c.policy = "pooled"; },
      [](Cell& c) { c.partition = "iid"; },
      [](Cell& c) { c.clients = 7; },
      [](Cell& c) { c.images = 77; },
      [](Cell& c) { c.cohort = 3; },
      [](Cell& c) { c.epochs = 9; },
      [](Cell& c) { c.batch = 8; },
      [](Cell& c) { c.rate = 0.07; },
      [](Cell& c) { c.momentum = 0.5; },
      [](Cell& c) { c.rounds = 51; },
      [](Cell& c) { c.seed = 2; },
      [](Cell& c) { c.evaluate_every = 3; },
      [](Cell& c) { c.measure_every = 0; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Cell cell;
    changes[i](cell);
    EXPECT_NE(cell.key(), Cell().key()) << "change " << i;
    EXPECT_EQ(cell.key().find_first_of(":+,=/ "), std::string::npos) << cell.key();
    const auto back = cell_from_json(to_json(cell));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, cell) << "change " << i;
  }
}

TEST(Cell, PartitionNames) {
  Cell cell;
  const auto spec = [&](const std::string& name) {
    cell.partition = name;
    return partition_of(cell);
  };
  EXPECT_EQ(spec("2cls")->scheme, "distinct-shards");
  EXPECT_EQ(spec("5cls")->shards_per_client, 5U);
  EXPECT_EQ(spec("dir0.1")->alpha, 0.1);
  EXPECT_EQ(spec("iid")->scheme, "iid");
  EXPECT_EQ(spec("fshift")->scheme, "iid");
  for (const char* bad : {"", "cls", "0cls", "2clx", "dir", "dir-1", "dir0.1x", "uniform"}) {
    EXPECT_EQ(spec(bad).error().code(), ErrorCode::kConfig) << bad;
  }
}

TEST(Cell, LocalStepsCountTheShortBatch) {
  Cell cell;
  cell.images = 40;
  cell.batch = 32;
  cell.epochs = 10;
  EXPECT_EQ(cell.local_steps(), 20U);
  EXPECT_EQ(cell.images_per_round(), 8U * 40 * 10);
}

TEST(Cell, ModelsThatAMeasuredRoundBeginsWithAreEvaluated) {
  Cell cell;
  cell.rounds = 40;
  cell.evaluate_every = 4;
  cell.measure_every = 10;
  EXPECT_TRUE(evaluated(cell, 0));
  EXPECT_FALSE(evaluated(cell, 10));
  EXPECT_TRUE(evaluated(cell, 9));
  EXPECT_TRUE(measured(cell, 10));
  EXPECT_TRUE(measured(cell, 40));
  EXPECT_FALSE(measured(cell, 0));
  for (uint32_t round = 36; round <= 40; ++round) EXPECT_TRUE(evaluated_on_all(cell, round));
  EXPECT_FALSE(evaluated_on_all(cell, 35));
  cell.measure_every = 0;
  EXPECT_TRUE(evaluated(cell, 37));
  EXPECT_FALSE(evaluated_on_all(cell, 37));
}

TEST(CellResult, ComesBackFromItsFile) {
  TemporaryFolder folder;
  auto result = testing::made(Cell(), "bn", 3, 0.4);
  result.bn.add({5.0, "norm1", 0.25, NAN, 0.125});
  result.alarms["head"] = 12;
  result.failure = "with \"quotes\"\n";
  ASSERT_TRUE(write_result(folder.path(), result).ok());
  const auto back = read_result(folder.path(), result.cell);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(to_json(*back), to_json(result));
  EXPECT_TRUE(std::isnan(back->bn.number(0, "R_var")));
  EXPECT_EQ(back->bn.text(0, "layer"), "norm1");
}

TEST(CellResult, ADamagedFileIsNamedAndNotTaken) {
  TemporaryFolder folder;
  const auto result = testing::made(Cell(), "bn", 3, 0.4);
  ASSERT_TRUE(write_result(folder.path(), result).ok());
  const auto path = result_path(folder.path(), result.cell);
  const auto text = read_text(path).value();
  for (const auto& damaged : {text.substr(0, text.size() / 2), std::string("{}"),
                              to_json(testing::made(Cell(), "ln", 3, 0.4))}) {
    ASSERT_TRUE(write_atomic(path, damaged).ok());
    const auto back = read_result(folder.path(), result.cell);
    ASSERT_FALSE(back.ok());
    EXPECT_NE(back.error().message().find(path), std::string::npos);
    EXPECT_NE(back.error().hint().find("rm "), std::string::npos);
  }
}

TEST(Table, CsvQuotesWhatNeedsIt) {
  Table table{{"a", "b"}, {}};
  table.add({"x,\"y\"", 0.1});
  table.add({"plain", NAN});
  EXPECT_EQ(csv_header(table, "run_id") + csv_rows(table, "r1"),
            "run_id,a,b\nr1,\"x,\"\"y\"\"\",0.1\nr1,plain,\n");
  EXPECT_EQ(csv_rows(table), "\"x,\"\"y\"\"\",0.1\nplain,\n");
  EXPECT_EQ(table.numbers("b"), std::vector<double>{0.1});
}

}  // namespace
}  // namespace atl::study
