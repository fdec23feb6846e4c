// Cuts live sessions when their certificate is revoked: the handshake meets the list only once.
#pragma once

#include <memory>

#include "server/context.h"

namespace atl::server {

// Closes every live session whose certificate is revoked now, marks its member as away and fails
// what it does in the open round. Each goes through deny(). Returns how many there were.
size_t cut_revoked(Context& context);

// Looks at the list each Admission::look_every (one stat of a file), and through the sessions when
// it has changed. Used on the server's executor.
class RevocationWatch {
 public:
  explicit RevocationWatch(Context& context)
      : context_(context), stop_(context.executor), due_(bool(context.admission.list_changed)) {}

  // Returns after stop(); at once where nothing can be revoked.
  net::awaitable<void> run();
  void stop();
  // False once run() has nothing more to do.
  bool running() const { return running_; }

 private:
  Context& context_;
  net::Event stop_;
  bool due_, running_ = false;
};

}  // namespace atl::server
