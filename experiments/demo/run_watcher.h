// Follows a run from outside, through the files that its server keeps: metrics.jsonl and
// status.json become the events that a simulation would have told.
#pragma once

#include <functional>
#include <string>

#include "server/context.h"

namespace atl::workbench {

class RunWatcher {
 public:
  explicit RunWatcher(std::string run_folder) : folder_(std::move(run_folder)) {}
  // Tells what is new since the last call. Files that are not there yet are no news.
  void poll(const std::function<void(const server::RunEvent&)>& tell);
  // From the last status read.
  const std::string& model() const { return model_; }
  const std::string& model_sha256() const { return model_sha256_; }
  bool finished() const { return finished_; }

 private:
  void read_status(const std::function<void(const server::RunEvent&)>& tell);
  void read_metrics(const std::function<void(const server::RunEvent&)>& tell);
  std::string folder_, last_status_, model_, model_sha256_;
  uint64_t offset_ = 0;  // of metrics.jsonl: whole lines read so far
  uint32_t total_rounds_ = 0;
  uint64_t bytes_down_ = 0, bytes_up_ = 0;
  bool finished_ = false;
};

}  // namespace atl::workbench
