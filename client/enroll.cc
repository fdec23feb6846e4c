#include "client/enroll.h"

#include <asio/this_coro.hpp>
#include <filesystem>

#include "client/certificate_request.h"
#include "common/core/fault.h"
#include "common/core/file.h"
#include "common/net/identity.h"
#include "common/net/tls_transport.h"
#include "common/net/token.h"
#include "common/wire/message.h"

namespace atl::client {
namespace {

constexpr const char* kConfig =
    R"(# Atoll client. Keys without a value here are optional; their defaults stand behind the '#'.

name = "NAME"                  # as in the certificate
server = "SERVER"              # host:port

[data]                         # what this client trains on; it never leaves this machine
# set = "fashion_mnist"        # a known set (`atoll data list`) ...
# folder = "/data/fashion"     # ... where its files are; absent: $ATOLL_DATA, then the cache
# train_indices = "mine.train.indices"   # this client's share, one index a line; absent: everything
# test_indices = "mine.test.indices"
# augment = "none"             # none | pad_crop_flip

[model]                        # for a run of the model "torchscript" only
# torchscript = "net.pt"       # the network, a program of this machine's own (docs/torchscript.md)
# roles = []                   # what tensors are for, where no rule says: ["scale=norm_gamma"]

[compute]
# device = "auto"              # auto | cpu | cuda:N
# threads = 1                  # intra-op; results are comparable byte for byte only at the same number

[evaluation]
# after = false                # also evaluate the local model after training
)";

std::string fill_in(std::string text, const std::string& mark, const std::string& value) {
  return text.replace(text.find(mark), mark.size(), value);
}

// The key is written before anything is asked for: when the answer is lost, the same key with the
// same token gets the same certificate.
Result<std::string> request_with_kept_key(const ClientFolder& folder, const std::string& name) {
  if (exists(folder.key())) {
    ATOLL_ASSIGN(const auto key, read_text(folder.key()));
    return net::make_request(key, name);
  }
  ATOLL_ASSIGN(auto made, net::make_key_and_request(name));
  ATOLL_TRY(write_secret(folder.key(), made.key_pem));
  return std::move(made.request_pem);
}

}  // namespace

net::awaitable<Status> enroll(ClientFolder folder, std::string server, std::string token_text) {
  ATOLL_CO_ASSIGN(const auto token, net::parse_token(token_text));
  if (std::filesystem::exists(folder.certificate())) {
    co_return Error(ErrorCode::kUsage, folder.path + " holds a client's identity already")
        .hint("atoll-client run " + folder.path + ", or choose another folder");
  }
  ATOLL_CO_TRY(make_folders(folder.path + "/identity"));
  ATOLL_CO_ASSIGN(auto request, request_with_kept_key(folder, token.client));

  auto executor = co_await asio::this_coro::executor;
  net::TlsClient options;
  options.pinned_authority = token.fingerprint;
  ATOLL_CO_ASSIGN(auto connector, net::make_tls_connector(executor, server, options));
  wire::Message message = wire::Enrol{token_text, std::move(request)};
  auto answer = co_await ask_for_certificate(*connector, std::move(message), token.client, "");
  if (!answer && answer.error().code() == ErrorCode::kIdentity) {
    co_return std::move(answer)
        .error()
        .wrap("this client is not enrolled")
        .hint("ask the server's operator for a new token: atoll-server token FOLDER " +
              token.client);
  }
  ATOLL_CO_ASSIGN(const auto enrolled, std::move(answer));
  ATOLL_CO_ASSIGN(const auto authority, net::certificate_info(enrolled.authority_pem));
  if (authority.fingerprint != token.fingerprint) {
    co_return Error(ErrorCode::kIdentity,
                    "this is not the server of the token: its authority has another fingerprint");
  }

  ATOLL_CO_TRY(fault::point("client.enrol"));
  ATOLL_CO_TRY(write_atomic(folder.authority(), enrolled.authority_pem));
  ATOLL_CO_TRY(write_atomic(folder.certificate(), enrolled.certificate_pem));
  if (!std::filesystem::exists(folder.config())) {
    auto text = fill_in(fill_in(kConfig, "NAME", token.client), "SERVER", server);
    ATOLL_CO_TRY(write_atomic(folder.config(), text));
  }
  co_return Status();
}

}  // namespace atl::client
