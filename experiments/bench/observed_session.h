// A connector whose sessions tell when control messages pass: the ends of a transfer, seen from the
// client without touching the client.
#pragma once

#include <functional>
#include <memory>

#include "common/net/transport.h"
#include "common/wire/message.h"

namespace atl::bench {

struct Observer {
  std::function<void(const wire::Message&)> sent = [](const wire::Message&) {};
  std::function<void(const wire::Message&)> received = [](const wire::Message&) {};
};

// The observer is called on the session's executor. Chunks pass unobserved.
std::unique_ptr<net::Connector> observe(std::unique_ptr<net::Connector> inner, Observer observer);

}  // namespace atl::bench
