// Intruder: a peer that says what it likes. Plain blocking sockets and OpenSSL, no part of Atoll's
// own session in between, so that every byte is under its control.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/net/identity.h"
#include "common/wire/frame.h"
#include "common/wire/message.h"

namespace atl::bench {

// Where the server under attack is, and what an attacker may know or have stolen.
struct Ground {
  std::string server, folder, address;
  net::KeyAndCertificate authority;
  Manifest manifest;
  // A certificate of the federation for this name, good from `from` on for `validity`.
  Result<net::KeyAndCertificate> mint(const std::string& name,
                                      std::chrono::hours validity = std::chrono::hours(24),
                                      net::WallTime from = std::chrono::system_clock::now()) const;
};

// What the other side did in the end.
struct Verdict {
  enum class Kind {
    kRefused,   // a `refused` with this reason
    kOutcome,   // an `outcome` that is not accepted, with this reason
    kAccepted,  // an `outcome` that is accepted
    kAnswered,  // any other message
    kAlert,     // a TLS alert of this number
    kClosed,    // the connection ended without another word
    kSilence    // nothing for as long as the intruder listens
  };
  Kind kind = Kind::kSilence;
  int number = 0;
  std::string text;
  bool operator==(const Verdict& other) const {
    return kind == other.kind && number == other.number;
  }
  std::string in_words() const;
};

// Used by one thread, whose SIGPIPE is blocked. After the first failure of the connection every
// call does nothing, and verdict() tells.
class Intruder {
 public:
  explicit Intruder(const Ground& ground) : ground_(ground) {}
  ~Intruder();
  Intruder(const Intruder&) = delete;
  Intruder& operator=(const Intruder&) = delete;

  // How long it listens; for what is slow by its nature.
  void set_patience(std::chrono::seconds patience) { patience_ = patience; }
  const Ground& ground() const { return ground_; }
  const std::string& name() const { return name_; }

  bool connect();
  // Without an identity nothing is shown. False when the handshake fails here; in TLS 1.3 a server
  // tells what it thinks of a certificate only with the first bytes after it.
  bool shake_hands(const net::KeyAndCertificate* identity, int highest = TLS1_3_VERSION);
  // Certificate, hello, join and a task to work on, as far as needed.
  bool arrive_with_certificate(const std::string& name);
  bool greet();
  bool join();
  bool work();
  // Offers these flat bytes for the round under way; true when they are asked for.
  bool offer(ByteView flat);

  bool write(ByteView bytes);
  bool say(const wire::Message& message);
  bool say_raw(ByteView payload, wire::FrameKind kind = wire::FrameKind::kControl);
  bool chunk(uint64_t transfer, uint64_t offset, ByteView data);
  // No more is written; what was written arrives.
  void finish_writing();
  void vanish();  // a reset, as of a killed machine

  // The next control message; chunks before it are passed over. Nothing when the connection ended.
  bool hear(wire::Message& message);
  // Listens until it is refused, an update is judged, the connection ends, or patience does.
  Verdict verdict();
  // The next message of any kind, or the end.
  Verdict next();

  wire::Task task;    // after work()
  wire::Grant grant;  // after offer()

 private:
  bool read(MutableByteView out);
  bool read_frame(wire::FrameHeader& header, Bytes& payload);
  void fail_with(int got);

  const Ground& ground_;
  std::string name_;
  std::chrono::seconds patience_{20};
  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
  bool over_ = false;
  Verdict end_;
};

// Flat bytes of a good update: every value 0.25.
Bytes good_update(const Manifest& manifest);
wire::Offer offer_of(uint32_t round, ByteView flat);

}  // namespace atl::bench
