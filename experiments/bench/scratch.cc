#include "experiments/bench/scratch.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "common/core/file.h"
#include "common/net/identity.h"

namespace atl::bench {
namespace fs = std::filesystem;

Result<Scratch> Scratch::make(const std::string& parent, uint64_t needed) {
  std::error_code error;
  const fs::path base = parent.empty() ? fs::temp_directory_path(error) : fs::path(parent);
  const auto space = fs::space(base, error);
  if (error)
    return Error(ErrorCode::kIo, "cannot use the folder " + base.string() + ": " + error.message());
  if (space.available < needed) {
    return Error(ErrorCode::kDiskFull, "the benchmark needs " + std::to_string(needed >> 20) +
                                           " MB in " + base.string() + ", and " +
                                           std::to_string(space.available >> 20) + " MB are free")
        .hint("give a folder with more space: --scratch FOLDER");
  }
  std::string pattern = (base / "atoll-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return errno_error("cannot make a folder in " + base.string(), errno);
  return Scratch(std::move(pattern));
}

Scratch::Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Scratch::~Scratch() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Result<Identities> make_identities(const std::string& folder) {
  const auto now = std::chrono::system_clock::now();
  constexpr std::chrono::hours kDay{24};
  ATOLL_ASSIGN(const auto authority, net::create_authority("Atoll benchmark", now, kDay));
  ATOLL_ASSIGN(const auto server, net::issue_server_certificate(authority, {}, now, kDay));
  ATOLL_ASSIGN(const auto request, net::make_key_and_request("client"));
  ATOLL_ASSIGN(const auto client,
               net::sign_client_request(authority, request.request_pem, "client", now, kDay));
  Identities files{folder + "/authority.pem", folder + "/server.pem", folder + "/server.key",
                   folder + "/client.pem", folder + "/client.key"};
  ATOLL_TRY(write_atomic(files.authority, authority.certificate_pem));
  ATOLL_TRY(
      write_atomic(files.server_certificate, server.certificate_pem + authority.certificate_pem));
  ATOLL_TRY(write_secret(files.server_key, server.key_pem));
  ATOLL_TRY(write_atomic(files.client_certificate, client));
  ATOLL_TRY(write_secret(files.client_key, request.key_pem));
  return files;
}

}  // namespace atl::bench
