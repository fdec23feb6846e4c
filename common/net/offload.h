// offload: run a blocking function on another executor (a thread pool), and go on here with its
// result.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <type_traits>

namespace atl::net {

namespace detail {
template <typename F, typename R>
asio::awaitable<void> call_into(F function, std::shared_ptr<std::unique_ptr<R>> out) {
  *out = std::make_unique<R>(function());
  co_return;
}
}  // namespace detail

// The function must not throw. The calling coroutine resumes on its own executor.
template <typename F, typename R = std::invoke_result_t<F>>
asio::awaitable<R> offload(asio::any_io_executor pool, F function) {
  auto out = std::make_shared<std::unique_ptr<R>>();
  co_await asio::co_spawn(pool, detail::call_into<F, R>(std::move(function), out),
                          asio::use_awaitable);
  co_return std::move(**out);
}

}  // namespace atl::net
