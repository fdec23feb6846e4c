// Serves one connected client: a coroutine that answers its messages until it leaves.
// common/wire/wire.md describes the conversation; the client leads it, so every answer depends on
// the run's state alone and any message may be repeated.
#pragma once

#include <memory>

#include "common/net/transport.h"
#include "server/context.h"

namespace atl::server {

// Runs until the client leaves, breaks the protocol, or the session is closed. `on_end` is called
// once, just before the session is destroyed.
net::awaitable<void> serve_client(std::unique_ptr<net::Session> session, Context& context,
                                  std::function<void()> on_end);

}  // namespace atl::server
