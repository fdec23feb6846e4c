#include "server/admin/folder.h"

#include "common/core/file.h"
#include "common/net/revocation.h"
#include "common/net/tls_transport.h"
#include "common/wire/message.h"

namespace atl::server {
namespace {

constexpr std::chrono::hours kAuthorityYears{24 * 365 * 10};
constexpr std::chrono::hours kCertificateYears{24 * 365 * 2};

constexpr const char* kConfig =
    R"(# Atoll server. Every key is optional; what stands here is the default unless it says otherwise.

name = "run"              # of the run; letters, digits, '.', '_', '-'
seed = 1                  # the run's only source of randomness
rounds = 10

[listen]
address = "LISTEN"        # where to listen; clients use any of the names given to init

[watch]
# address = "127.0.0.1:7071"    # a status page, and numbers for Prometheus
tensorboard = false       # event files for TensorBoard in run/tensorboard/

[model]
name = "mlp"              # fits any data; lenet, cnn3, vgg11, resnet18, ... for images: docs/config.md
norm = "none"             # none | bn | ln | gn:G
# initial = "start.safetensors"   # start from these weights instead of the seed's

[train]                   # what every client does in a round
optimizer = "sgd"         # sgd | adamw
learning_rate = 0.1
momentum = 0.0
weight_decay = 0.0
epochs = 1                # or steps = N batches
batch_size = 32

[selection]
min_clients = 1           # that must have joined before round 1
cohort = 0                # clients a round; 0: all
quorum = 0                # updates without which a round is void; 0: all of the cohort

[aggregation]
rule = "fedavg"
weights = "examples"      # examples | uniform
policy = "pooled"         # pooled | all: how running variances of BatchNorm are combined

[evaluation]
every = 1                 # rounds between evaluations on the clients' test data; 0: only at the end

[checkpoints]
keep = 2

[admission]
quarantine_after = 3      # updates of a client refused in a row, and it is out until `atoll-server release`; 0: never
allow = []                # names of clients, '*' for any characters: ["site-a", "hospital-*"]; []: all
failed_attempts = 1000    # of one address at once, and from then on
failed_attempts_a_minute = 600

[identity]
client_days = 365         # how long a client's certificate is good; clients renew it by themselves
renew_grace_days = 30     # an expired one may still be renewed for so long

[timeouts]
progress_s = 120.0        # a client without any progress for this long is out of the round
poll_s = 15.0             # an idle client hears from the server at least this often
round_s = 0.0             # a round waits no longer than this, whoever makes progress; 0: as long as anyone does
)";

Error no_folder(const ServerFolder& folder, const std::string& why) {
  return Error(ErrorCode::kUsage, folder.path + " is not a server's folder: " + why)
      .hint("atoll-server init " + folder.path + " --name HOST");
}

Status check_address(const std::string& address) {
  auto parsed = net::parse_address(address);
  if (!parsed) return std::move(parsed).error();
  return {};
}

}  // namespace

Result<net::KeyAndCertificate> load_authority(const ServerFolder& folder) {
  net::KeyAndCertificate authority;
  auto certificate = read_text(folder.authority());
  if (!certificate) return no_folder(folder, certificate.error().message());
  authority.certificate_pem = std::move(certificate).value();
  ATOLL_ASSIGN(authority.key_pem, read_text(folder.authority_key()));
  return authority;
}

Status init_folder(const ServerFolder& folder, const std::vector<std::string>& names,
                   const std::string& listen) {
  if (exists(folder.config()) || exists(folder.authority()) || exists(folder.authority_key())) {
    return Error(ErrorCode::kUsage,
                 folder.path + " holds a server already; its authority is not made anew")
        .hint("choose another folder, or move this one away");
  }
  ATOLL_TRY(check_address(listen));
  const auto now = std::chrono::system_clock::now();
  ATOLL_ASSIGN(auto authority, net::create_authority("Atoll federation", now, kAuthorityYears));
  ATOLL_ASSIGN(auto server,
               net::issue_server_certificate(authority, names, now, kCertificateYears));
  ATOLL_TRY(make_folders(folder.path + "/identity"));
  ATOLL_TRY(make_folders(folder.path + "/clients"));
  ATOLL_TRY(write_secret(folder.authority_key(), authority.key_pem));
  ATOLL_TRY(write_atomic(folder.authority(), authority.certificate_pem));
  ATOLL_TRY(write_secret(folder.key(), server.key_pem));
  ATOLL_TRY(write_atomic(folder.certificate(), server.certificate_pem + authority.certificate_pem));
  std::string config = kConfig;
  config.replace(config.find("LISTEN"), 6, listen);
  return write_atomic(folder.config(), config);
}

Result<std::string> issue_token(const ServerFolder& folder, const std::string& client,
                                std::chrono::seconds lifetime) {
  if (!wire::is_valid_name(client)) {
    return Error(
        ErrorCode::kUsage,
        "\"" + client + "\" is not a client's name: 1 to 64 letters, digits, '.', '_', '-'");
  }
  ATOLL_ASSIGN(auto authority, load_authority(folder));
  ATOLL_ASSIGN(const auto info, net::certificate_info(authority.certificate_pem));
  return net::TokenStore(folder.tokens())
      .issue(client, info.fingerprint, std::chrono::system_clock::now(), lifetime);
}

std::vector<std::string> certificates_in(const std::string& pem) {
  const std::string end = "-----END CERTIFICATE-----\n";
  std::vector<std::string> all;
  for (size_t from = 0, to; (to = pem.find(end, from)) != std::string::npos; from = to) {
    to += end.size();
    all.push_back(pem.substr(from, to - from));
  }
  return all;
}

Status revoke_client(const ServerFolder& folder, const std::string& client) {
  if (!wire::is_valid_name(client))
    return Error(ErrorCode::kUsage, "\"" + client + "\" is not a client's name");
  const auto now = std::chrono::system_clock::now();
  ATOLL_ASSIGN(const size_t withdrawn, net::TokenStore(folder.tokens()).withdraw(client, now));
  auto pem = read_text(folder.client(client));
  if (!pem && withdrawn > 0) return {};
  if (!pem) {
    return Error(ErrorCode::kUsage, "no client \"" + client + "\" has enrolled here")
        .hint("ls " + folder.path + "/clients");
  }
  ATOLL_ASSIGN(const auto audit, open_audit_log(folder.audit()));
  net::RevocationList list(folder.revoked());
  for (const auto& certificate : certificates_in(*pem)) {
    ATOLL_ASSIGN(const auto info, net::certificate_info(certificate));
    ATOLL_ASSIGN(const bool known, list.contains(info.serial));
    if (known) continue;
    ATOLL_TRY(list.add(info, now));
    audit->record({AuditEvent::kRevoked, client, "", info.serial, "", ""});
  }
  return {};
}

Result<std::string> read_status(const ServerFolder& folder) {
  auto text = read_text(folder.run() + "/status.json");
  if (!text) {
    return Error(ErrorCode::kUsage, "no run in " + folder.path + " yet: " + text.error().message())
        .hint("atoll-server run " + folder.path);
  }
  return text;
}

}  // namespace atl::server
