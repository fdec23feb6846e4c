// Runs coroutines from plain test code: one io_context, driven by hand.
#pragma once

#include <gtest/gtest.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "common/core/log.h"

namespace atl::testing {

class Driver {
 public:
  Driver() { log::set_level(log::Level::kOff); }

  asio::io_context& io() { return io_; }
  asio::any_io_executor executor() { return io_.get_executor(); }

  // What a coroutine returns, once it has: empty until then.
  template <typename T>
  using Pending = std::shared_ptr<std::optional<T>>;

  template <typename T>
  Pending<T> start(asio::awaitable<T> work) {
    auto out = std::make_shared<std::optional<T>>();
    asio::co_spawn(io_, collect(std::move(work), out), asio::detached);
    return out;
  }

  // Runs everything until the coroutine has returned. A test that waits longer than this has hung.
  template <typename T>
  T wait(Pending<T> pending, std::chrono::seconds limit = std::chrono::seconds(30)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!pending->has_value()) {
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << "a coroutine did not finish";
        std::abort();
      }
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    return std::move(**pending);
  }
  template <typename T>
  T wait(asio::awaitable<T> work) {
    return wait(start(std::move(work)));
  }

  // Runs whatever is ready, until nothing is.
  void settle() {
    for (int idle = 0; idle < 100;) {
      io_.restart();
      idle = io_.poll() == 0 ? idle + 1 : 0;
    }
  }

 private:
  template <typename T>
  static asio::awaitable<void> collect(asio::awaitable<T> work, Pending<T> out) {
    T value = co_await std::move(work);
    out->emplace(std::move(value));
  }
  asio::io_context io_{1};
};

}  // namespace atl::testing
