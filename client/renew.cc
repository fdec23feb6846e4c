#include "client/renew.h"

#include <algorithm>
#include <asio/this_coro.hpp>

#include "client/certificate_request.h"
#include "common/core/fault.h"
#include "common/core/file.h"
#include "common/core/utc.h"
#include "common/net/event.h"
#include "common/net/tls_transport.h"

namespace atl::client {
namespace {

using net::awaitable;

Result<net::CertificateInfo> current(const ClientFolder& folder) {
  ATOLL_ASSIGN(const auto pem, read_text(folder.certificate()));
  return net::certificate_info(pem);
}

net::TlsClient tls_of(const ClientFolder& folder) {
  return {folder.authority(), folder.certificate(), folder.key(), ""};
}

class RenewingConnector : public net::Connector {
 public:
  RenewingConnector(asio::any_io_executor executor, ClientFolder folder, std::string server,
                    Say say, std::function<net::WallTime()> now)
      : executor_(std::move(executor)),
        folder_(std::move(folder)),
        server_(std::move(server)),
        say_(std::move(say)),
        now_(std::move(now)) {}

  awaitable<Result<std::unique_ptr<net::Session>>> connect() override {
    ATOLL_CO_ASSIGN(const bool due, is_renewal_due(folder_, now_()));
    if (due) {
      ATOLL_CO_ASSIGN(const auto before, current(folder_));
      auto renewed = co_await renew(folder_, server_);
      if (renewed) {
        say_("the certificate is renewed");
      } else if (now_() >= before.not_after) {
        co_return std::move(renewed).error().wrap("the certificate has expired");
      } else {
        say_("the certificate ends on " + utc_day(before.not_after) +
             " and is not renewed yet: " + renewed.error().message());
      }
    }
    ATOLL_CO_ASSIGN(connector_, net::make_tls_connector(executor_, server_, tls_of(folder_)));
    co_return co_await connector_->connect();
  }
  std::string target() const override { return server_; }

 private:
  asio::any_io_executor executor_;
  ClientFolder folder_;
  std::string server_;
  Say say_;
  std::function<net::WallTime()> now_;
  std::unique_ptr<net::Connector> connector_;
};

}  // namespace

Result<bool> is_renewal_due(const ClientFolder& folder, net::WallTime now) {
  ATOLL_ASSIGN(const auto info, current(folder));
  return info.not_after - now <= info.lifetime / 3;
}

awaitable<Status> renew(ClientFolder folder, std::string server) {
  auto executor = co_await asio::this_coro::executor;
  ATOLL_CO_ASSIGN(const auto info, current(folder));
  ATOLL_CO_ASSIGN(const auto key, read_text(folder.key()));
  ATOLL_CO_ASSIGN(auto authority, read_text(folder.authority()));
  wire::Renew request;
  ATOLL_CO_ASSIGN(request.csr_pem, net::make_request(key, info.common_name));
  ATOLL_CO_ASSIGN(auto connector, net::make_tls_connector(executor, server, tls_of(folder)));
  wire::Message message = std::move(request);
  ATOLL_CO_ASSIGN(const auto renewed,
                  co_await ask_for_certificate(*connector, std::move(message), info.common_name,
                                               std::move(authority)));
  ATOLL_CO_TRY(fault::point("client.renew"));
  co_return write_atomic(folder.certificate(), renewed.certificate_pem);
}

std::unique_ptr<net::Connector> make_renewing_connector(asio::any_io_executor executor,
                                                        ClientFolder folder, std::string server,
                                                        Say say,
                                                        std::function<net::WallTime()> now) {
  return std::make_unique<RenewingConnector>(std::move(executor), std::move(folder),
                                             std::move(server), std::move(say), std::move(now));
}

awaitable<void> keep_renewing(ClientFolder folder, std::string server, Say say) {
  using std::chrono::milliseconds;
  net::Event never(co_await asio::this_coro::executor);
  for (;;) {
    auto pause = milliseconds(std::chrono::hours(1));
    if (const auto info = current(folder))
      pause = std::min(pause, milliseconds(info->lifetime) / 12);
    co_await never.wait_for(std::max(pause, milliseconds(1'000)));
    const auto due = is_renewal_due(folder, std::chrono::system_clock::now());
    if (!due || !*due) continue;
    const auto renewed = co_await renew(folder, server);
    say(renewed ? "the certificate is renewed"
                : "the certificate is not renewed yet: " + renewed.error().message());
  }
}

}  // namespace atl::client
