#include "server/watch/board.h"

#include <asio/post.hpp>

namespace atl::server {

Board::Text Board::get() {
  std::unique_lock lock(mutex_);
  const auto begun = Clock::now();
  const auto fresh = [this, begun] { return text_ != nullptr && begun - made_ < kFresh; };
  if (!fresh() && !asked_ && !closed_) {
    asked_ = true;
    asio::post(executor_, [self = shared_from_this()] {
      auto text = std::make_shared<const std::string>(self->make_());
      const std::lock_guard made(self->mutex_);
      self->text_ = std::move(text);
      self->made_ = Clock::now();
      self->asked_ = false;
      self->changed_.notify_all();
    });
  }
  changed_.wait_for(lock, kPatience, [&] { return closed_ || fresh(); });
  return !closed_ && fresh() ? text_ : nullptr;
}

void Board::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace atl::server
