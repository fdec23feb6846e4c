#include "server/admission/revocation_watch.h"

namespace atl::server {

namespace {

// As its certificate or, where none is needed, its hello has it; empty before either.
std::string client_of(const Context& context, const net::Session* session) {
  if (!session->peer().name.empty()) return session->peer().name;
  for (const auto& [name, member] : context.registry.members()) {
    if (member.session == session) return name;
  }
  return "";
}

std::optional<Denied> unwelcome(const Context& context, const net::Session* session) {
  const auto& peer = session->peer();
  const auto& admission = context.admission;
  const auto name = client_of(context, session);
  Denied denied{Denial::kRevoked, name, peer.address, peer.serial,
                "the certificate was revoked; the session is cut"};
  if (admission.revoked && !peer.serial.empty() && admission.revoked(peer.serial)) return denied;
  denied.cause = Denial::kNotAllowed;
  denied.text = "this server does not let \"" + name + "\" in any more; the session is cut";
  if (!name.empty() && !is_allowed(admission, name)) return denied;
  return std::nullopt;
}

}  // namespace

size_t cut_unwelcome(Context& context) {
  size_t cut = 0;
  for (auto it = context.live.begin(); it != context.live.end();) {
    auto* session = *it;
    const auto denied = unwelcome(context, session);
    if (!denied) {
      ++it;
      continue;
    }
    it = context.live.erase(it);  // its coroutine may take a while to end
    // Nothing that this client still sends or is sent counts: not even what has arrived already.
    session->close();
    const auto& name = denied->client;
    if (context.registry.leave(name, session)) {
      context.registry.gone(name);  // nobody waits for it
      auto* participant = context.round == nullptr ? nullptr : context.round->active(name);
      if (participant != nullptr) context.round->fail(*participant);
    }
    deny(context, *denied);
    ++cut;
  }
  if (cut > 0) context.changed.notify();
  return cut;
}

net::awaitable<void> RevocationWatch::run() {
  running_ = due_;
  while (due_) {
    if (context_.admission.list_changed()) cut_unwelcome(context_);
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
