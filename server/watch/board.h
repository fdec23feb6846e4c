// Board: a text about the server that any number of threads may ask for. It is made on the server's
// executor, when somebody asks and the last one is no longer fresh; so a hundred pages cost the
// round loop as much as one, and no page nothing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <asio/any_io_executor.hpp>

namespace atl::server {

class Board : public std::enable_shared_from_this<Board> {
 public:
  using Text = std::shared_ptr<const std::string>;

  // `make` runs on the executor; what it uses is there as long as the executor runs handlers.
  Board(asio::any_io_executor executor, std::function<std::string()> make)
      : executor_(std::move(executor)), make_(std::move(make)) {}

  // Null when the executor has not got to it in time: it hangs, or has ended.
  Text get();
  // Whoever waits is let go; from now on get() is null at once.
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kFresh{250};
  static constexpr std::chrono::seconds kPatience{2};

  asio::any_io_executor executor_;
  std::function<std::string()> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Text text_;
  Clock::time_point made_{};
  bool asked_ = false, closed_ = false;
};

}  // namespace atl::server
