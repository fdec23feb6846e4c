#include "experiments/bench/hostile/intruder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "common/core/transfer_hash.h"
#include "common/net/tls_transport.h"

namespace atl::bench {
namespace {

using Kind = Verdict::Kind;

BIO* bio_of(const std::string& pem) {
  return BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
}

bool use_identity(SSL_CTX* context, const net::KeyAndCertificate& identity) {
  BIO* certificate_pem = bio_of(identity.certificate_pem);
  BIO* key_pem = bio_of(identity.key_pem);
  X509* certificate = PEM_read_bio_X509(certificate_pem, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_pem, nullptr, nullptr, nullptr);
  const bool used = certificate != nullptr && key != nullptr &&
                    SSL_CTX_use_certificate(context, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_pem);
  BIO_free(key_pem);
  return used;
}

}  // namespace

Result<net::KeyAndCertificate> Ground::mint(const std::string& name, std::chrono::hours validity,
                                            net::WallTime from) const {
  ATOLL_ASSIGN(auto made, net::make_key_and_request(name));
  ATOLL_ASSIGN(auto certificate,
               net::sign_client_request(authority, made.request_pem, name, from, validity));
  return net::KeyAndCertificate{std::move(made.key_pem), std::move(certificate)};
}

std::string Verdict::in_words() const {
  constexpr const char* kWords[] = {"refused", "outcome", "accepted", "answered",
                                    "alert",   "closed",  "silence"};
  std::string words = kWords[static_cast<int>(kind)];
  if (kind == Kind::kRefused || kind == Kind::kOutcome || kind == Kind::kAlert)
    words += " " + std::to_string(number);
  return words + (text.empty() ? "" : " (" + text + ")");
}

Intruder::~Intruder() {
  SSL_free(tls_);
  SSL_CTX_free(context_);
  if (fd_ >= 0) ::close(fd_);
}

bool Intruder::connect() {
  const auto target = net::parse_address(ground_.address);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  if (!target || fd_ < 0 || ::inet_pton(AF_INET, target->host.c_str(), &to.sin_addr) != 1) {
    end_ = {Kind::kSilence, 0, "cannot begin"};
    over_ = true;
    return false;
  }
  // Each from an address of its own, as attackers are: a server limits the failures of one.
  static std::atomic<uint32_t> count{0};
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f010000u | (++count & 0xffff));
  ::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof(from));
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(target->port)));
  timeval patience{patience_.count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) fail_with(-1);
  return !over_;
}

bool Intruder::shake_hands(const net::KeyAndCertificate* identity, int highest) {
  if (over_) return false;
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context_, highest);
  SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  if (identity != nullptr && !use_identity(context_, *identity)) {
    end_ = {Kind::kSilence, 0, "cannot use the identity"};
    over_ = true;
    return false;
  }
  tls_ = SSL_new(context_);
  SSL_set_fd(tls_, fd_);
  if (const int got = SSL_connect(tls_); got != 1) fail_with(got);
  return !over_;
}

bool Intruder::arrive_with_certificate(const std::string& name) {
  name_ = name;
  auto identity = ground_.mint(name);
  return identity && connect() && shake_hands(&*identity);
}

bool Intruder::greet() {
  wire::Message answer;
  return say(wire::Hello{name_, 1, 0, "intruder"}) && hear(answer) &&
         std::holds_alternative<wire::Welcome>(answer);
}

bool Intruder::join() {
  wire::Message answer;
  return say(wire::Join{ground_.manifest}) && hear(answer) &&
         std::holds_alternative<wire::Joined>(answer);
}

bool Intruder::work() {
  for (;;) {
    wire::Message answer;
    if (!say(wire::NextTask{}) || !hear(answer)) return false;
    const auto* given = std::get_if<wire::Task>(&answer);
    if (given == nullptr || given->kind == wire::TaskKind::kDone) return false;
    if (given->kind == wire::TaskKind::kWait) continue;
    task = *given;
    return true;
  }
}

bool Intruder::offer(ByteView flat) {
  wire::Message answer;
  if (!say(offer_of(task.round, flat)) || !hear(answer)) return false;
  const auto* granted = std::get_if<wire::Grant>(&answer);
  if (granted == nullptr) return false;
  grant = *granted;
  return true;
}

bool Intruder::write(ByteView bytes) {
  while (!over_ && !bytes.empty()) {
    const auto piece = static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20));
    const auto put = tls_ != nullptr ? SSL_write(tls_, bytes.data(), piece)
                                     : static_cast<int>(::write(fd_, bytes.data(), piece));
    // What the server said before it stopped reading can still be read.
    if (put <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return !over_;
}

bool Intruder::say(const wire::Message& message) { return say_raw(wire::encode(message)); }

bool Intruder::say_raw(ByteView payload, wire::FrameKind kind) {
  const auto header = wire::encode(wire::FrameHeader{static_cast<uint32_t>(payload.size()), kind});
  Bytes all(header.begin(), header.end());
  all.insert(all.end(), payload.begin(), payload.end());
  return write(all);
}

bool Intruder::chunk(uint64_t transfer, uint64_t offset, ByteView data) {
  const auto head = wire::encode(wire::ChunkHeader{transfer, offset});
  Bytes payload(head.begin(), head.end());
  payload.insert(payload.end(), data.begin(), data.end());
  return say_raw(payload, wire::FrameKind::kChunk);
}

void Intruder::finish_writing() {
  if (tls_ != nullptr && !over_) SSL_shutdown(tls_);
  ::shutdown(fd_, SHUT_WR);
}

void Intruder::vanish() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(std::exchange(fd_, -1));
  over_ = true;
}

void Intruder::fail_with(int got) {
  const int saved = errno;
  over_ = true;
  end_ = {Kind::kClosed, 0, ""};
  const int what = tls_ == nullptr ? SSL_ERROR_SYSCALL : SSL_get_error(tls_, got);
  if (what == SSL_ERROR_SSL) {
    const int reason = ERR_GET_REASON(ERR_peek_error());
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
      end_ = {Kind::kAlert, reason - SSL_AD_REASON_OFFSET, ""};
  } else if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE ||
             (what == SSL_ERROR_SYSCALL && (saved == EAGAIN || saved == EWOULDBLOCK))) {
    end_ = {Kind::kSilence, 0, ""};
  }
  ERR_clear_error();
}

bool Intruder::read(MutableByteView out) {
  while (!over_ && !out.empty()) {
    errno = 0;
    ERR_clear_error();
    const auto most = static_cast<int>(std::min<size_t>(out.size(), 1 << 20));
    const auto got = tls_ != nullptr ? SSL_read(tls_, out.data(), most)
                                     : static_cast<int>(::read(fd_, out.data(), most));
    if (got <= 0)
      fail_with(got);
    else
      out = out.subspan(static_cast<size_t>(got));
  }
  return !over_;
}

bool Intruder::read_frame(wire::FrameHeader& header, Bytes& payload) {
  Bytes raw(wire::kHeaderSize);
  if (!read(raw)) return false;
  const auto decoded = wire::decode_header(raw);
  if (!decoded) {
    over_ = true;
    end_ = {Kind::kClosed, 0, "the server's frame: " + decoded.error().message()};
    return false;
  }
  header = *decoded;
  payload.resize(header.length);
  return read(payload);
}

bool Intruder::hear(wire::Message& message) {
  wire::FrameHeader header;
  Bytes payload;
  do {
    if (!read_frame(header, payload)) return false;
  } while (header.kind == wire::FrameKind::kChunk);
  auto decoded = wire::decode(payload);
  if (!decoded) return false;
  message = std::move(decoded).value();
  // Whoever waits for another answer has been judged.
  if (const auto* refused = std::get_if<wire::Refused>(&message)) {
    over_ = true;
    end_ = {Kind::kRefused, static_cast<int>(refused->reason), refused->text};
  }
  return true;
}

Verdict Intruder::next() {
  wire::Message message;
  if (over_ || !hear(message) || over_) return end_;
  if (const auto* outcome = std::get_if<wire::Outcome>(&message)) {
    if (outcome->accepted) return {Kind::kAccepted, 0, outcome->text};
    return {Kind::kOutcome, static_cast<int>(outcome->reason), outcome->text};
  }
  return {Kind::kAnswered, 0, std::string(wire::name_of(message))};
}

Verdict Intruder::verdict() {
  for (;;) {
    auto one = next();
    if (one.kind != Kind::kAnswered) return one;
  }
}

Bytes good_update(const Manifest& manifest) {
  Bytes flat(manifest.total_bytes());
  const float value = 0.25f;
  for (size_t at = 0; at + sizeof(value) <= flat.size(); at += sizeof(value))
    std::memcpy(flat.data() + at, &value, sizeof(value));
  return flat;
}

wire::Offer offer_of(uint32_t round, ByteView flat) {
  wire::Offer offer{round, flat.size(), transfer_digest(flat), {}};
  offer.report.examples = 1;
  offer.report.steps = 1;
  return offer;
}

}  // namespace atl::bench
