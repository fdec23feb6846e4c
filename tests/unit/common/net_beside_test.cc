// Work beside a coroutine: one piece at a time, in order, while the coroutine goes on.
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "common/net/beside.h"

namespace atl::net {
namespace {

TEST(Beside, TheCoroutineGoesOnWhileThePieceRuns) {
  asio::io_context io(1);
  asio::thread_pool pool(1);
  const auto gate = std::make_shared<std::promise<void>>();
  bool went_on = false, done_after = false;
  std::thread::id where;
  auto body = [&]() -> asio::awaitable<void> {
    Beside beside(io.get_executor(), pool.get_executor());
    co_await beside.finish();  // nothing yet: returns at once
    beside.start([gate, &where] {
      gate->get_future().wait();
      where = std::this_thread::get_id();
    });
    went_on = true;  // the piece cannot have ended: only we open its gate
    gate->set_value();
    co_await beside.finish();
    done_after = where != std::thread::id();
  };
  asio::co_spawn(io, body(), asio::detached);
  io.run();
  pool.join();
  EXPECT_TRUE(went_on);
  EXPECT_TRUE(done_after);
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(Beside, PiecesRunInOrderOnAPoolOfMany) {
  asio::io_context io(1);
  asio::thread_pool pool(4);
  std::vector<int> seen;  // without a lock: a piece begins after the one before has ended
  auto body = [&]() -> asio::awaitable<void> {
    Beside beside(io.get_executor(), pool.get_executor());
    for (int i = 0; i < 200; ++i) {
      co_await beside.finish();
      beside.start([&seen, i] { seen.push_back(i); });
    }
    co_await beside.finish();
  };
  asio::co_spawn(io, body(), asio::detached);
  io.run();
  pool.join();
  ASSERT_EQ(seen.size(), 200u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(Beside, APieceMayOutliveItsOwner) {
  asio::io_context io(1);
  asio::thread_pool pool(1);
  const auto touched = std::make_shared<int>(0);
  {
    Beside beside(io.get_executor(), pool.get_executor());
    beside.start([touched] { *touched = 1; });
  }
  pool.join();
  io.run();
  EXPECT_EQ(*touched, 1);
}

void start_two() {
  asio::io_context io(1);
  asio::thread_pool pool(1);
  Beside beside(io.get_executor(), pool.get_executor());
  beside.start([] {});
  beside.start([] {});
}
TEST(BesideDeathTest, TwoPiecesAtOnceAreABug) { EXPECT_DEATH(start_two(), "one piece at a time"); }

}  // namespace
}  // namespace atl::net
