// Event: coroutines wait until something changed, or for at most some time. A condition variable
// for one executor.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <list>
#include <memory>

namespace atl::net {

// Not thread-safe: use it on the executor it was made with. It may go before or after those who
// wait on it: coroutines that an executor drops unfinished leave the list as they are destroyed.
class Event {
 public:
  explicit Event(asio::any_io_executor executor)
      : executor_(std::move(executor)), waiting_(std::make_shared<Timers>()) {}

  // Wakes everyone who waits now.
  void notify() {
    for (auto* timer : *waiting_) timer->cancel();
  }

  // True when notified, false when the time ran out.
  asio::awaitable<bool> wait_for(std::chrono::milliseconds limit) {
    Waiter waiter(waiting_, executor_, limit);
    asio::error_code error;
    co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return error == asio::error::operation_aborted;
  }

  const asio::any_io_executor& executor() const { return executor_; }

 private:
  using Timers = std::list<asio::steady_timer*>;
  struct Waiter {
    Waiter(std::shared_ptr<Timers> timers, const asio::any_io_executor& executor,
           std::chrono::milliseconds limit)
        : list(std::move(timers)),
          timer(executor, limit),
          place(list->insert(list->end(), &timer)) {}
    ~Waiter() { list->erase(place); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    std::shared_ptr<Timers> list;
    asio::steady_timer timer;
    Timers::iterator place;
  };

  asio::any_io_executor executor_;
  std::shared_ptr<Timers> waiting_;
};

}  // namespace atl::net
