#include "server/watch/health.h"

#include <httplib.h>

#include "common/core/file.h"

namespace atl::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);

std::string without_end(std::string text, std::string_view end) {
  text.erase(text.find_last_not_of(end) + 1);
  return text;
}

// Who listens everywhere is asked under a name that the certificate holds.
std::string reachable(std::string url) {
  for (const std::string everywhere : {"//0.0.0.0:", "//[::]:"}) {
    const size_t at = url.find(everywhere);
    if (at != std::string::npos) url.replace(at, everywhere.size(), "//localhost:");
  }
  return url;
}

}  // namespace

Result<std::string> ask_health(const ServerFolder& folder) {
  auto text = read_text(folder.watch());
  if (!text) {
    return Error(ErrorCode::kNetwork, "no server of " + folder.path + " serves its health now")
        .hint("atoll-server run " + folder.path + ", with [watch] address in " + folder.config());
  }
  const auto url = reachable(without_end(std::move(text).value(), "/\n"));
  httplib::Client client(url);
  client.set_connection_timeout(kPatience);
  client.set_read_timeout(kPatience);
  client.set_write_timeout(kPatience);
  if (url.rfind("https:", 0) == 0) {
    ATOLL_ASSIGN(auto token, read_text(folder.watch_token()));
    client.set_bearer_token_auth(without_end(std::move(token), " \r\n"));
    client.set_ca_cert_path(folder.authority());
  }
  const auto answer = client.Get("/healthz");
  if (!answer) {
    return Error(ErrorCode::kNetwork,
                 "nothing healthy answers at " + url + ": " + httplib::to_string(answer.error()))
        .hint("atoll-server run " + folder.path);
  }
  if (answer->status == 200) return answer->body;
  const auto said =
      url + " says " + std::to_string(answer->status) + ": " + without_end(answer->body, "\n");
  if (answer->status == 503) return Error(ErrorCode::kDeadline, said);
  return Error(answer->status == 401 ? ErrorCode::kIdentity : ErrorCode::kRefused, said);
}

}  // namespace atl::server
