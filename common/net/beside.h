// Beside: blocking work on a pool, one piece at a time, while its owner's coroutine goes on: the
// hash of a chunk while the next chunk arrives.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <memory>
#include <utility>

#include "common/core/check.h"
#include "common/net/event.h"

namespace atl::net {

// Used on `executor` only. Join the pool before the executor is destroyed.
class Beside {
 public:
  Beside(asio::any_io_executor executor, asio::any_io_executor pool)
      : executor_(std::move(executor)),
        pool_(std::move(pool)),
        state_(std::make_shared<State>(executor_)) {}

  // Begins `work` on the pool. The piece before must be finished. The work owns what it touches,
  // or shares it: it may outlive this object.
  template <typename F>
  void start(F work) {
    ATOLL_CHECK(!state_->busy, "one piece at a time");
    state_->busy = true;
    asio::post(pool_, [state = state_, executor = executor_, work = std::move(work)]() mutable {
      work();
      asio::post(executor, [state = std::move(state)] {
        state->busy = false;
        state->over.notify();
      });
    });
  }

  // Returns when nothing is under way.
  asio::awaitable<void> finish() {
    auto state = state_;
    while (state->busy) co_await state->over.wait_for(std::chrono::hours(1));
  }

 private:
  struct State {
    explicit State(const asio::any_io_executor& executor) : over(executor) {}
    Event over;
    bool busy = false;
  };
  asio::any_io_executor executor_, pool_;
  std::shared_ptr<State> state_;
};

}  // namespace atl::net
