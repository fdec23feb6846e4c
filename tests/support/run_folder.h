// The folder of a run as server and workbench leave it, written line by line, for tests of reports.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "common/core/file.h"
#include "experiments/report/run_record.h"
#include "tests/support/temporary_folder.h"

namespace atl::testing {

class RunFolder {
 public:
  void write(const std::string& name, const std::string& text) {
    const auto path = folder_.path() + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    ASSERT_TRUE(write_atomic(path, text).ok());
  }
  void add(const nlohmann::ordered_json& line) { metrics_ += line.dump() + "\n"; }
  // Accuracy begins at `first` and gains a thousandth a round.
  void add_rounds(uint32_t rounds, uint32_t clients, double first = 0.5) {
    for (uint32_t r = 0; r <= rounds; ++r) {
      if (r > 0) {
        for (uint32_t c = 0; c < clients; ++c) {
          add({{"event", "client"},
               {"round", r},
               {"client", "site-" + std::to_string(c)},
               {"examples", 100 + c},
               {"train_loss", 2.0 / r},
               {"update_norm", 0.5},
               {"seconds", 1.5},
               {"bytes_down", 1000},
               {"bytes_up", 900}});
        }
        add({{"event", "round"},
             {"round", r},
             {"seconds", 2.0},
             {"clients", clients},
             {"examples", 100},
             {"train_loss", 2.0 / r},
             {"update_norm", 0.5},
             {"bytes_down", 1000 * clients},
             {"bytes_up", 900 * clients},
             {"model_sha256", "feed" + std::to_string(r)},
             {"time", "2026-01-05T12:00:00Z"}});
      }
      add({{"event", "evaluation"},
           {"round", r},
           {"examples", 1000},
           {"correct", std::lround(first * 1000) + r % 400},
           {"accuracy", static_cast<double>(std::lround(first * 1000) + r % 400) / 1000.0},
           {"loss", 1.0 / (r + 1)}});
    }
  }
  workbench::RunRecord read() {
    write("metrics.jsonl", metrics_);
    auto run = workbench::read_run(folder_.path());
    EXPECT_TRUE(run.ok()) << run.error().message();
    return std::move(run).value();
  }
  const std::string& path() const { return folder_.path(); }

 private:
  testing::TemporaryFolder folder_;
  std::string metrics_;
};

}  // namespace atl::testing
