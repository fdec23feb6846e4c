#include "client/certificate_request.h"

#include "common/net/identity.h"

namespace atl::client {
namespace {

constexpr int kTries = 3;

Error refusal(const wire::Refused& refused) {
  using wire::Reason;
  const bool later = refused.reason == Reason::kBusy || refused.reason == Reason::kServerError;
  return Error(later ? ErrorCode::kNetwork : ErrorCode::kIdentity,
               "the server gives no certificate: " + refused.text);
}

// On a connection of its own. `connected` is left true once there was one.
net::awaitable<Result<wire::Message>> ask_once(net::Connector& connector, const Bytes& request,
                                               net::Duration patience, bool& connected) {
  connected = false;
  ATOLL_CO_ASSIGN(const auto session, co_await connector.connect());
  connected = true;
  ATOLL_CO_TRY(co_await session->send(wire::FrameKind::kControl, request, {}));
  Bytes reply;
  ATOLL_CO_ASSIGN(const auto kind, co_await session->receive(reply, patience));
  session->close();
  if (kind != wire::FrameKind::kControl)
    co_return Error(ErrorCode::kProtocol, "the server answered with a chunk");
  co_return wire::decode(reply);
}

}  // namespace

net::awaitable<Result<wire::Enrolled>> ask_for_certificate(net::Connector& connector,
                                                           wire::Message request, std::string name,
                                                           std::string authority_pem,
                                                           net::Duration patience) {
  const auto* enrol = std::get_if<wire::Enrol>(&request);
  const auto csr = enrol != nullptr ? enrol->csr_pem : std::get<wire::Renew>(request).csr_pem;
  const Bytes bytes = wire::encode(request);
  bool connected = false;
  auto answer = co_await ask_once(connector, bytes, patience, connected);
  auto was_lost = [&answer, &connected] {
    if (answer || !connected) return false;
    const auto code = answer.error().code();
    return code == ErrorCode::kDeadline || code == ErrorCode::kNetwork;
  };
  // The same request has the same answer (wire.md, "Said twice").
  for (int tries = 1; was_lost() && tries < kTries; ++tries)
    answer = co_await ask_once(connector, bytes, patience, connected);
  ATOLL_CO_ASSIGN(auto message, std::move(answer));
  if (const auto* refused = std::get_if<wire::Refused>(&message)) co_return refusal(*refused);
  auto* enrolled = std::get_if<wire::Enrolled>(&message);
  if (enrolled == nullptr) {
    co_return Error(ErrorCode::kProtocol,
                    "the server answered with " + std::string(wire::name_of(message)));
  }
  const auto& authority = authority_pem.empty() ? enrolled->authority_pem : authority_pem;
  ATOLL_CO_TRY(net::check_certificate(enrolled->certificate_pem, authority, csr, name));
  co_return std::move(*enrolled);
}

}  // namespace atl::client
