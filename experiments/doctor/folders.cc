#include "experiments/doctor/folders.h"

#include <sys/stat.h>

#include <filesystem>

#include "client/client_config.h"
#include "client/data/locate.h"
#include "client/renew.h"
#include "common/core/file.h"
#include "common/core/utc.h"
#include "common/net/revocation.h"
#include "experiments/doctor/reach.h"
#include "experiments/report/text.h"
#include "experiments/run/plan.h"
#include "server/admin/check.h"
#include "server/server_file.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

// The bar that `atoll bench server` holds a server to.
constexpr double kServerPerModel = 2.2;
constexpr uint64_t kServerBytes = 64'000'000;

uint64_t newest_checkpoint_bytes(const std::string& run_folder) {
  std::error_code ignored;
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(run_folder + "/checkpoints", ignored)) {
    if (entry.path().extension() == ".safetensors")
      bytes = std::max<uint64_t>(bytes, entry.file_size(ignored));
  }
  return bytes;
}

// Signed by the authority, over this key, for this name: whoever's certificate it is.
Result<net::CertificateInfo> check_pair(const std::string& certificate,
                                        const std::string& authority, const std::string& key_file) {
  ATOLL_ASSIGN(const auto info, net::certificate_info(certificate));
  ATOLL_ASSIGN(const auto key, read_text(key_file));
  ATOLL_ASSIGN(const auto request, net::make_request(key, info.common_name));
  return net::check_certificate(certificate, authority, request, info.common_name);
}

// Its days, by this machine's clock.
bool is_of_today(Findings& findings, const net::CertificateInfo& info, net::WallTime now,
                 const std::string& next) {
  if (now < info.not_before) {
    findings.problem("certificate", ErrorCode::kIdentity,
                     "good from " + utc_text(info.not_before) + " on, and here it is " +
                         utc_text(now) + ": one of the two clocks is wrong",
                     "timedatectl");
    return false;
  }
  if (now < info.not_after) return true;
  findings.problem("certificate", ErrorCode::kIdentity, "expired on " + utc_text(info.not_after),
                   next);
  return false;
}

void check_data(Findings& findings, const data::DataSpec& spec) {
  if (!spec.set.empty()) {
    const auto set = data::find_set(spec.set);
    if (!set) return findings.problem("data", set.error(), "atoll data list");
    const auto place =
        spec.folder.empty() ? data::find_folder(**set) : data::locate(**set, spec.folder);
    if (!place) return findings.problem("data", place.error(), "atoll data get " + spec.set);
    findings.ok("data", spec.set + " is in " + *place);
    uint64_t elements = 1;
    for (const int64_t extent : (*set)->shape) elements *= static_cast<uint64_t>(extent);
    const bool images = (*set)->shape.size() == 3;  // a byte a value; else four
    return check_memory(findings, spec.set + " takes",
                        ((*set)->train + (*set)->test) * elements * (images ? 1 : 4));
  }
  auto paths = spec.train;
  paths.insert(paths.end(), spec.test.begin(), spec.test.end());
  for (const auto& path : paths) {
    if (exists(path)) continue;
    return findings.problem("data", ErrorCode::kData, "there is no " + path, "ls -ld " + path);
  }
  if (!paths.empty()) return findings.ok("data", spec.format + " from " + paths.front());
  findings.problem("data", ErrorCode::kData, "[data] names no set and no files", "atoll data list");
}

void check_device(Findings& findings, const TorchFacts& torch, const std::string& device) {
  if (!torch.check_device) return;
  const auto able = torch.check_device(device);
  able ? findings.ok("device", device) : findings.problem("device", able.error(), "nvidia-smi");
}

void check_watch_port(Findings& findings, const server::ServerFolder& folder,
                      const std::string& address) {
  if (address.empty()) return findings.ok("watch", "no [watch] address: nothing is served");
  const auto port = check_port(address);
  if (!port && port.error().code() == ErrorCode::kAddressInUse && exists(folder.watch()))
    return findings.ok("watch", address + ": this folder's server is running");
  findings.take("watch", port, "ss -ltnp");
}

void check_server_identity(Findings& findings, const server::ServerFolder& folder,
                           net::WallTime now) {
  const std::string next = "atoll-server init NEW-FOLDER --name HOST";
  for (const auto& secret :
       {folder.authority_key(), folder.key(), folder.watch_token(), folder.tokens()}) {
    if (exists(secret)) check_secret(findings, secret);
  }
  const auto chain = read_text(folder.certificate());
  const auto authority = read_text(folder.authority());
  if (!chain) return findings.problem("certificate", chain.error(), next);
  if (!authority) return findings.problem("certificate", authority.error(), next);
  const auto certificates = server::certificates_in(*chain);
  const auto pair =
      check_pair(certificates.empty() ? "" : certificates.front(), *authority, folder.key());
  if (!pair) return findings.problem("certificate", pair.error(), next);
  if (!is_of_today(findings, *pair, now, next)) return;
  findings.take("certificate", server::check_identity(folder, now), next);
}

void check_revoked(Findings& findings, const client::ClientFolder& folder,
                   const net::CertificateInfo& info, const std::string& authority,
                   const std::vector<server::ServerFolder>& servers) {
  for (const auto& server : servers) {
    const auto other = read_text(server.authority());
    if (!other || *other != authority) continue;
    const auto revoked = net::RevocationList(server.revoked()).contains(info.serial);
    if (!revoked) {
      findings.problem("revoked", revoked.error(), "ls -l " + server.revoked());
    } else if (*revoked) {
      findings.problem("revoked", ErrorCode::kIdentity,
                       "the certificate in " + folder.path + " is on the list " + server.revoked(),
                       "atoll-server token " + server.path + " " + info.common_name);
    } else {
      findings.ok("revoked", "not on the list of " + server.path);
    }
  }
}

// False: there is no use in trying to connect.
bool check_client_identity(Findings& findings, const client::ClientFolder& folder,
                           const std::string& name,
                           const std::vector<server::ServerFolder>& servers, net::WallTime now) {
  const auto token = "atoll-server token FOLDER " + (name.empty() ? "NAME" : name) +
                     ", on the server; then atoll-client enroll NEW-FOLDER";
  if (exists(folder.key())) check_secret(findings, folder.key());
  const auto certificate = read_text(folder.certificate());
  const auto authority = read_text(folder.authority());
  if (!certificate || !authority) {
    findings.problem(
        "certificate", ErrorCode::kIdentity,
        "this client is not enrolled: " + (certificate ? authority : certificate).error().message(),
        token);
    return false;
  }
  const auto pair = check_pair(*certificate, *authority, folder.key());
  if (!pair) return findings.problem("certificate", pair.error(), token), false;
  if (!name.empty() && pair->common_name != name) {
    findings.problem(
        "certificate", ErrorCode::kIdentity,
        "it is for \"" + pair->common_name + "\", and client.toml says \"" + name + "\"",
        "sed -i 's/^name = .*/name = \"" + pair->common_name + "\"/' " + folder.config());
    return false;
  }
  check_revoked(findings, folder, *pair, *authority, servers);
  // A running client renews it for a while after its end; who it was revoked for gets none.
  if (!is_of_today(findings, *pair, now, "atoll-client run " + folder.path)) return false;
  const auto due = client::is_renewal_due(folder, now);
  findings.ok("certificate", "of \"" + pair->common_name + "\", good until " +
                                 utc_text(pair->not_after) +
                                 (due && *due ? "; a running client renews it now" : ""));
  return true;
}

}  // namespace

void check_secret(Findings& findings, const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return findings.problem("secret", errno_error("cannot examine " + path, errno),
                            "ls -l " + path);
  const auto next = "chmod 600 " + path;
  if ((info.st_mode & 07) != 0) {
    return findings.problem("secret", ErrorCode::kIdentity,
                            "everybody on this machine can read or change " + path, next);
  }
  if ((info.st_mode & 070) != 0)
    return findings.warn("secret", "the group can read or change " + path, next);
  findings.ok("secret", path + " is its owner's alone");
}

void check_server(Findings& findings, const server::ServerFolder& folder, net::WallTime now) {
  findings.turn_to(folder.path);
  check_server_identity(findings, folder, now);
  const auto file = server::read_server_file(folder.config());
  if (!file) return findings.problem("config", file.error(), "docs/config.md lists the keys");
  findings.ok("config", folder.config() + ": " + file->run.name + ", " +
                            with_commas(file->run.rounds) + " rounds");
  findings.take("address", server::check_address(folder, file->address),
                "ss -ltnp; or another [listen] address in " + folder.config());
  check_watch_port(findings, folder, file->watch.address);
  findings.take("run", server::check_run(folder, file->run), "atoll-server check " + folder.path);
  // The kept checkpoints, one being written, and the spool of the updates of a round.
  const auto bytes = newest_checkpoint_bytes(folder.run());
  check_disk(findings, folder.path, bytes * (file->run.keep + 2ull + file->run.cohort));
  if (bytes > 0) {
    check_memory(
        findings, "a server of this model takes at most",
        kServerBytes + static_cast<uint64_t>(kServerPerModel * static_cast<double>(bytes)));
  }
}

void check_client(Findings& findings, const client::ClientFolder& folder,
                  const std::vector<server::ServerFolder>& servers, const TorchFacts& torch,
                  net::WallTime now) {
  findings.turn_to(folder.path);
  const auto config = client::load_client_config(folder.config());
  if (!config) findings.problem("config", config.error(), "docs/config.md lists the keys");
  const bool good =
      check_client_identity(findings, folder, config ? config->name : "", servers, now);
  if (!config) return;
  findings.ok("config", folder.config() + ": \"" + config->name + "\" of " + config->server);
  if (good) {
    findings.take(
        "server", reach_server(folder, config->server),
        "atoll-server run FOLDER, on the server; server = \"HOST:PORT\" in " + folder.config());
  }
  check_data(findings, config->data);
  check_device(findings, torch, config->device);
  check_disk(findings, folder.path, 0);
}

void check_run_file(Findings& findings, const std::string& path, const TorchFacts& torch) {
  findings.turn_to(path);
  const auto plan = load_plan(path, "");
  if (!plan) return findings.problem("config", plan.error(), "docs/config.md lists the keys");
  findings.ok("config", plan->run.name + ": " + plan->run.model.name + ", " +
                            with_commas(plan->run.rounds) + " rounds, " +
                            with_commas(plan->partition.clients) + " clients");
  const bool instead = !plan->fallback.empty() && data::find_set(plan->data.set) &&
                       !data::find_folder(**data::find_set(plan->data.set));
  data::DataSpec spec = plan->data;
  if (instead) {
    findings.warn("data", plan->data.set + " is not at hand: the run would take " + plan->fallback,
                  "atoll data get " + plan->data.set);
    spec = {};
    spec.set = plan->fallback;
  }
  check_data(findings, spec);
  check_device(findings, torch, plan->device);
}

}  // namespace atl::workbench
