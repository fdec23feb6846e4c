#include "server/admin/check.h"

#include <asio/io_context.hpp>

#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/core/utc.h"
#include "common/net/tls_transport.h"

namespace atl::server {
namespace {

constexpr std::chrono::hours kSoon{24 * 30};

}  // namespace

Result<std::string> check_identity(const ServerFolder& folder, net::WallTime now) {
  ATOLL_ASSIGN(const auto chain, read_text(folder.certificate()));
  const auto certificates = certificates_in(chain);
  if (certificates.empty())
    return Error(ErrorCode::kIdentity, folder.certificate() + " holds no certificate");
  ATOLL_ASSIGN(const auto leaf, net::certificate_info(certificates.front()));
  if (leaf.not_after <= now) {
    return Error(ErrorCode::kIdentity, "the server's certificate expired on " +
                                           utc_day(leaf.not_after) + ": no client will trust it")
        .hint("make a new folder with `atoll-server init`, and move run/ and clients/ into it");
  }
  std::string line = "good until " + utc_day(leaf.not_after);
  if (leaf.not_after - now < kSoon) line += ", which is soon";
  return line;
}

Result<std::string> check_address(const ServerFolder& folder, const std::string& address) {
  asio::io_context io;
  net::TlsServer tls;
  tls.authority_file = folder.authority();
  tls.certificate_file = folder.certificate();
  tls.key_file = folder.key();
  auto listener = net::listen_tls(io.get_executor(), address, tls);
  if (listener) {
    (*listener)->close();
    io.run();
    return address + " is free";
  }
  const bool own = exists(folder.address()) && listener.error().code() == ErrorCode::kAddressInUse;
  if (!own) return std::move(listener).error();
  return address + ": this folder's server is running";
}

Result<std::string> check_run(const ServerFolder& folder, const RunConfig& run) {
  const auto mine = to_toml(run);
  const auto stored = folder.run() + "/config.toml";
  if (!exists(stored)) return run.name + ": not begun";
  ATOLL_ASSIGN(const auto begun, read_text(stored));
  if (begun != mine) {
    return Error(ErrorCode::kConfig,
                 folder.run() + " holds a run with another configuration (" + stored + ")")
        .hint("diff it with what `atoll-server check` prints, or move run/ away to begin anew");
  }
  return run.name + ": begun with this configuration, and goes on";
}

Result<std::vector<std::string>> check_folder(const ServerFolder& folder, const RunConfig& run,
                                              const std::string& address, net::WallTime now) {
  std::vector<std::string> lines;
  lines.push_back("server.toml  " + run.name + ": " + std::to_string(run.rounds) +
                  " rounds, config hash " + hex(sha256(as_bytes(to_toml(run)))));
  ATOLL_ASSIGN(const auto identity, check_identity(folder, now));
  lines.push_back("certificate  " + identity);
  ATOLL_ASSIGN(const auto listening, check_address(folder, address));
  lines.push_back("address      " + listening);
  ATOLL_ASSIGN(const auto begun, check_run(folder, run));
  lines.push_back("run          " + begun);
  return lines;
}

}  // namespace atl::server
