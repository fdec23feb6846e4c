#include "client/certificate_request.h"

#include "common/net/identity.h"

namespace atl::client {
namespace {

constexpr net::Duration kPatience{15'000};

Error refusal(const wire::Refused& refused) {
  using wire::Reason;
  const bool later = refused.reason == Reason::kBusy || refused.reason == Reason::kServerError;
  return Error(later ? ErrorCode::kNetwork : ErrorCode::kIdentity,
               "the server gives no certificate: " + refused.text);
}

}  // namespace

net::awaitable<Result<wire::Enrolled>> ask_for_certificate(net::Session& session,
                                                           wire::Message request, std::string name,
                                                           std::string authority_pem) {
  const auto* enrol = std::get_if<wire::Enrol>(&request);
  const auto csr = enrol != nullptr ? enrol->csr_pem : std::get<wire::Renew>(request).csr_pem;
  const Bytes bytes = wire::encode(request);
  ATOLL_CO_TRY(co_await session.send(wire::FrameKind::kControl, bytes, {}));
  Bytes reply;
  ATOLL_CO_ASSIGN(const auto kind, co_await session.receive(reply, kPatience));
  if (kind != wire::FrameKind::kControl)
    co_return Error(ErrorCode::kProtocol, "the server answered with a chunk");
  ATOLL_CO_ASSIGN(auto message, wire::decode(reply));
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
