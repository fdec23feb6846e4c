#include "server/admission/revocation_watch.h"

namespace atl::server {

size_t cut_revoked(Context& context) {
  size_t cut = 0;
  if (!context.admission.revoked) return cut;
  for (auto it = context.live.begin(); it != context.live.end();) {
    auto* session = *it;
    const auto& peer = session->peer();
    if (peer.serial.empty() || !context.admission.revoked(peer.serial)) {
      ++it;
      continue;
    }
    it = context.live.erase(it);  // its coroutine may take a while to end
    // Nothing that this client still sends or is sent counts: not even what has arrived already.
    session->close();
    if (context.registry.leave(peer.name, session)) {
      context.registry.gone(peer.name);  // nobody waits for it
      auto* participant = context.round == nullptr ? nullptr : context.round->active(peer.name);
      if (participant != nullptr) context.round->fail(*participant);
    }
    Denied denied{Denial::kRevoked, peer.name, peer.address, peer.serial,
                  "the certificate was revoked; the session is cut"};
    deny(context, denied);
    ++cut;
  }
  if (cut > 0) context.changed.notify();
  return cut;
}

net::awaitable<void> RevocationWatch::run() {
  running_ = due_;
  while (due_) {
    if (context_.admission.list_changed()) cut_revoked(context_);
    context_.audit->tick();
    co_await stop_.wait_for(context_.admission.look_every);
  }
  running_ = false;
  context_.changed.notify();
}

void RevocationWatch::stop() {
  due_ = false;
  stop_.notify();
}

}  // namespace atl::server
