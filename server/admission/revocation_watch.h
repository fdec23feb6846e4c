// Cuts live sessions of those who would not be let in any more: a handshake meets the list of
// revoked certificates only once, and a hello that of clients that are allowed.
#pragma once

#include <memory>

#include "server/context.h"

namespace atl::server {

// Closes every live session whose certificate is revoked or whose client is not allowed now, marks
// its member as away and fails what it does in the open round. Each goes through deny(). Returns
// how many there were.
size_t cut_unwelcome(Context& context);

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
