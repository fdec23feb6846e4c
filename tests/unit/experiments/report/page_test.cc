// The page of a run, from its folder.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/tensor/safetensors.h"
#include "experiments/report/page.h"
#include "experiments/report/report_verb.h"
#include "experiments/report/summary.h"
#include "tests/support/run_folder.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;

using testing::RunFolder;

const std::string kConfig =
    "name = \"first\"\nrounds = 20\n\n[model]\nname = \"lenet\"\nnorm = \"bn\"\n";

bool has(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

TEST(ReportPage, ShowsTheRun) {
  RunFolder folder;
  folder.write("config.toml", kConfig);
  folder.add_rounds(20, 3);
  folder.write("status.json", R"({"run":"first","state":"finished","round":20,"rounds":20,
      "model_sha256":"c0ffee","clients":[{"name":"site-2","train_examples":102,"test_examples":77},
      {"name":"watcher","train_examples":0,"test_examples":55}]})");
  folder.write("run.json", R"({"command":"atoll simulate a.toml","seconds":51.25,
      "data":{"set":"digits","sha256":"d1d1"},"environment":{"cpu":"Some CPU","cores":2},
      "partition":{"scheme":"dirichlet","alpha":0.5,"sha256":"b2b2",
                   "table":[[10,0,5],[1,2,3],[0,40,0]]}})");
  const auto run = folder.read();
  EXPECT_TRUE(run.notes.empty()) << run.notes[0];
  const auto page = render_page(run);
  for (const char* part :
       {"<h1>first</h1>", "lenet with bn", "dirichlet(0.5)", "52.00 %", "520 of 1,000 correct",
        "51.2 s", "c0ffee", "d1d1", "b2b2", "site-2", "watcher", ">77<", "Some CPU",
        "atoll simulate a.toml", "class=\"h10\">40<", "class=\"z\">0<", "Test loss"}) {
    EXPECT_TRUE(has(page, part)) << part;
  }
  EXPECT_TRUE(has(page, hex(sha256(as_bytes(kConfig))))) << "the hash of the configuration";
  EXPECT_FALSE(has(page, "class=\"notes\""));
}

TEST(ReportPage, LoadsNothing) {
  RunFolder folder;
  folder.write("config.toml", kConfig);
  folder.add_rounds(3, 2);
  const auto page = render_page(folder.read());
  for (const char* part : {"http://", "https://", "src=", "href=", "url(", "@import", "<script",
                           "<img", "<link", "<iframe", "<object", "javascript:"}) {
    EXPECT_FALSE(has(page, part)) << part;
  }
  EXPECT_TRUE(has(page, "default-src 'none'"));
}

// Every text that a file can hold, one by one, with words that would be markup.
TEST(ReportPage, WordsOfPeersStayWords) {
  const std::string evil = "x\"'><script>alert(1)</script><!--";
  RunFolder folder;
  folder.write("config.toml", "name = '''" + evil + "'''\n[model]\nname = '''" + evil + "'''\n");
  folder.add_rounds(2, 1);
  folder.add({{"event", "client"}, {"round", 2}, {"client", evil}, {"train_loss", 1.0}});
  folder.add({{"event", "refused"}, {"round", 1}, {"client", evil}, {"reason", evil}});
  folder.add({{"event", "round"}, {"round", 3}, {"seconds", 1}, {"model_sha256", evil}});
  folder.write("status.json", Json{{"state", evil},
                                   {"model", evil},
                                   {"model_sha256", evil},
                                   {"clients", {{{"name", evil}, {"train_examples", 1}}}}}
                                  .dump());
  folder.write("run.json", Json{{"command", evil},
                                {"data", {{"set", evil}, {"sha256", evil}, {evil, evil}}},
                                {"environment", {{evil, evil}}},
                                {"partition", {{"scheme", evil}, {"sha256", evil}}}}
                               .dump());
  const auto page = render_page(folder.read());
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_FALSE(has(page, "<!--"));
  EXPECT_FALSE(has(page, "x\"'"));
  EXPECT_TRUE(has(page, "&lt;script&gt;alert(1)"));
}

TEST(ReportPage, CountsDamagedLines) {
  RunFolder folder;
  folder.add_rounds(2, 1);
  folder.read();
  ATOLL_CHECK(folder.path().size() > 0, "a folder");
  auto text = read_text(folder.path() + "/metrics.jsonl").value();
  folder.write("metrics.jsonl", text.substr(0, text.size() - 20));
  const auto run = read_run(folder.path()).value();
  EXPECT_EQ(run.metrics.damaged_lines, 1u);
  EXPECT_TRUE(has(render_page(run), "1 of 7 lines is damaged"));
  EXPECT_EQ(Json::parse(json_summary(run, "p"))["damaged_lines"], 1);
}

TEST(ReportPage, AnEmptyRunIsAPageToo) {
  RunFolder folder;
  folder.write("config.toml", kConfig);
  const auto run = folder.read();
  const auto page = render_page(run);
  EXPECT_TRUE(has(page, "No round was closed yet"));
  EXPECT_TRUE(has(page, "nothing was evaluated"));
  const auto json = Json::parse(json_summary(run, "p"));
  EXPECT_TRUE(json["accuracy"].is_null());
  EXPECT_EQ(json["rounds"], 0);
  EXPECT_TRUE(has(terminal_summary(run, "p"), "nothing was evaluated"));
}

TEST(ReportPage, OneRound) {
  RunFolder folder;
  folder.write("config.toml", kConfig);
  folder.add_rounds(1, 1);
  const auto page = render_page(folder.read());
  EXPECT_TRUE(has(page, "50.10 %"));
  EXPECT_FALSE(has(page, "nan"));
}

TEST(ReportPage, AThousandRoundsStaySmall) {
  RunFolder folder;
  folder.write("config.toml", kConfig);
  folder.add_rounds(1000, 20);
  const auto page = render_page(folder.read());
  EXPECT_TRUE(has(page, "after round 1000"));
  EXPECT_LT(page.size(), 700'000u);
}

TEST(ReportPage, DamagedPartsAreNotedNotFatal) {
  RunFolder folder;
  folder.write("config.toml", "name = \n");
  folder.write("status.json", "{\"run\":");
  folder.write("run.json", R"({"partition":{"table":[[1,2],[3]]},"data":7,"seconds":"x"})");
  folder.write("checkpoints/round-000004.safetensors", "short");
  folder.add_rounds(2, 1);
  const auto run = folder.read();
  EXPECT_EQ(run.notes.size(), 4u);
  EXPECT_EQ(run.round, 2u);
  EXPECT_EQ(run.model_sha256, "feed2");
  EXPECT_TRUE(run.partition.table.empty());
  EXPECT_TRUE(has(render_page(run), "status.json is not a JSON object"));
}

TEST(ReportPage, NotesACheckpointThatTheRunDidNotWrite) {
  RunFolder folder;
  folder.add_rounds(2, 1);
  std::filesystem::create_directories(folder.path() + "/checkpoints");
  std::vector<TensorSpec> tensors(1);
  tensors[0].name = "w";
  tensors[0].shape = {2};
  const auto manifest = Manifest::make(std::move(tensors)).value();
  const Bytes flat(8);
  const auto path = folder.path() + "/checkpoints/round-000002.safetensors";
  ASSERT_TRUE(write_safetensors(path, manifest, {}, ByteView(flat)).ok());
  const auto run = folder.read();
  ASSERT_EQ(run.checkpoints.size(), 1u);
  EXPECT_EQ(run.checkpoints[0].data_sha256, hex(sha256(flat)));
  ASSERT_FALSE(run.notes.empty());
  EXPECT_TRUE(has(run.notes.back(), "another SHA-256"));
  EXPECT_EQ(run.model_path, path);
}

TEST(WriteReport, WritesThePageAndSaysWhere) {
  RunFolder folder;
  folder.write("config.toml", kConfig);
  folder.add_rounds(1, 1);
  folder.read();
  const auto path = write_report(folder.path() + "/");
  ASSERT_TRUE(path.ok()) << path.error().message();
  EXPECT_EQ(*path, folder.path() + "/report.html");
  EXPECT_TRUE(has(read_text(*path).value(), "<h1>first</h1>"));
  const auto other = write_report(folder.path(), folder.path() + "/other.html");
  EXPECT_TRUE(other.ok() && std::filesystem::exists(folder.path() + "/other.html"));
}

TEST(WriteReport, SaysWhatIsWrongWithAFolder) {
  testing::TemporaryFolder folder;
  const auto missing = write_report(folder.path() + "/none");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kIo);
  EXPECT_FALSE(missing.error().hint().empty());
  const auto other = write_report(folder.path());
  ASSERT_FALSE(other.ok());
  EXPECT_TRUE(has(other.error().message(), "is not the folder of a run"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/report.html"));
}

}  // namespace
}  // namespace atl::workbench
