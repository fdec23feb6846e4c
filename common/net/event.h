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

// Not thread-safe: use it on the executor it was made with. Not destroyed while a waiter runs;
// waiters that never run again (their executor is gone) may outlive it.
class Event {
 public:
  explicit Event(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // Wakes everyone who waits now.
  void notify() {
    for (auto* timer : *waiting_) timer->cancel();
  }

  // True when notified, false when the time ran out.
  asio::awaitable<bool> wait_for(std::chrono::milliseconds limit) {
    asio::steady_timer timer(executor_, limit);
    const Entry entry(waiting_, timer);
    asio::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return error == asio::error::operation_aborted;
  }

  const asio::any_io_executor& executor() const { return executor_; }

 private:
  using Timers = std::list<asio::steady_timer*>;
  // Leaves the list however the coroutine ends: a waiter may be destroyed while it waits.
  struct Entry {
    Entry(std::shared_ptr<Timers> all, asio::steady_timer& timer)
        : list(std::move(all)), place(list->insert(list->end(), &timer)) {}
    ~Entry() { list->erase(place); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    std::shared_ptr<Timers> list;
    Timers::iterator place;
  };
  asio::any_io_executor executor_;
  std::shared_ptr<Timers> waiting_ = std::make_shared<Timers>();
};

}  // namespace atl::net
