// A run's curves as TensorBoard reads them: RUN/tensorboard/events.out.tfevents.*, made from
// metrics.jsonl as it grows. [watch] tensorboard = true.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "common/core/result.h"

namespace atl::server {

// The events of some lines of metrics.jsonl, each as a record of an event file (TFRecord: length,
// its checksum, the event, its checksum). Lines that hold no scalar, and lines that are none, give
// nothing. Tags: accuracy/test, loss/test, loss/training, round/seconds, round/clients,
// round/update_norm, round/bytes_down, round/bytes_up; the step is the round.
std::string tensorboard_events(std::string_view lines);
// What an event file begins with.
std::string tensorboard_head(double wall_time);
// CRC-32C (Castagnoli), and as TFRecord masks it.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// Follows metrics.jsonl on a thread of its own, so that the round loop does not notice. The file is
// made anew from the first line at each start: it lacks nothing and has nothing twice, whatever
// happened to the server before. What cannot be written is logged, and tried again.
class TensorBoardMirror {
 public:
  // `run`: the run's folder. kIo when tensorboard/ cannot be made.
  static Result<std::unique_ptr<TensorBoardMirror>> start(const std::string& run);
  ~TensorBoardMirror();  // after what is there by then
  TensorBoardMirror(const TensorBoardMirror&) = delete;
  TensorBoardMirror& operator=(const TensorBoardMirror&) = delete;

  const std::string& file() const { return file_; }

 private:
  TensorBoardMirror(std::string metrics, std::string file)
      : metrics_(std::move(metrics)), file_(std::move(file)) {}
  void follow();
  Status catch_up();

  std::string metrics_, file_;
  uint64_t read_ = 0;  // bytes of metrics.jsonl that are in the file
  bool told_ = false;  // that it cannot be written
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace atl::server
