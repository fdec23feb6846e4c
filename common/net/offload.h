// offload: run a blocking function on another executor (a thread pool), and go on here with its
// result.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
#include <optional>
#include <type_traits>

namespace atl::net {

namespace detail {
template <typename F, typename R>
asio::awaitable<void> call_into(F* function, std::optional<R>* out) {
  out->emplace((*function)());
  co_return;
}
}  // namespace detail

// The function must not throw. It is run to its end: a cancellation of the caller takes effect when
// it resumes, and never reaches into the other thread. The calling coroutine resumes on its own
// executor. The function is a named local of the caller, never a temporary: g++ 12 destroys
// closures twice that are made inside a co_await expression. Join the pool before the caller's
// executor is destroyed.
template <typename F, typename R = std::invoke_result_t<F&>>
asio::awaitable<R> offload(asio::any_io_executor pool, F& function) {
  std::optional<R> out;
  auto token = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
  co_await asio::co_spawn(pool, detail::call_into<F, R>(&function, &out), token);
  co_return std::move(*out);
}

}  // namespace atl::net
