// A server as `atoll-server run` makes it, from a folder as `atoll-server init` makes it, over TLS
// on loopback; and peers of every kind that speak to it.
#pragma once

#include <gtest/gtest.h>

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <future>

#include "common/core/file.h"
#include "common/net/identity.h"
#include "common/net/tls_transport.h"
#include "common/wire/message.h"
#include "server/admin/enrolment_desk.h"
#include "server/admin/secured.h"
#include "server/server.h"
#include "tests/support/audit_recorder.h"
#include "tests/support/driver.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl::testing {

class SecuredServer : public ::testing::Test {
 protected:
  static constexpr net::Duration kLong{20'000};

  SecuredServer() : pool_(1) {
    folder_.path = temporary_.path() + "/server";
    EXPECT_TRUE(server::init_folder(folder_, {}, "127.0.0.1:7171").ok());
    config_.rounds = 1'000;
    config_.poll = net::Duration(50);
  }
  ~SecuredServer() override { stop(); }

  static net::WallTime now() { return std::chrono::system_clock::now(); }

  void start() {
    secured_ = make_secured();
    server_ = std::make_unique<server::Server>(driver_.executor(), pool_.get_executor(), config_);
    server_->context().audit = &audit_;
    server_->context().admission.look_every = look_every_;
    auto tls = secured_->attach(server_->context());
    tls.handshake_limit = net::Duration(500);
    tls.aside = pool_.get_executor();
    listener_ = net::listen_tls(driver_.executor(), "127.0.0.1:0", tls).value();
    ASSERT_TRUE(server_->open(folder_.run()).ok());
    running_ = driver_.start(server_->run(listener_));
    driver_.settle();
  }
  std::unique_ptr<server::SecuredFolder> make_secured() {
    return std::make_unique<server::SecuredFolder>(folder_, admission_);
  }
  void stop() {
    if (server_ == nullptr) return;
    links_.clear();
    server_->stop();
    (void)driver_.wait(running_);
    pool_.join();
    server_.reset();
  }

  net::KeyAndCertificate authority() const {
    return {read_text(folder_.authority_key()).value(), read_text(folder_.authority()).value()};
  }
  // A certificate in NAME.pem and NAME.key: from the desk, as a client gets it.
  net::CertificateInfo enrol(const std::string& name) {
    const auto token = server::issue_token(folder_, name, std::chrono::seconds(60)).value();
    const auto made = net::make_key_and_request(name).value();
    const auto enrolled =
        server::make_enrolment_desk(folder_)->enrol({token, made.request_pem}).value();
    return keep(name, made.key_pem, enrolled.answer.certificate_pem);
  }
  // The same, signed here, with dates of its own.
  net::CertificateInfo certify(const std::string& name, net::WallTime from,
                               std::chrono::hours validity) {
    const auto made = net::make_key_and_request(name).value();
    const auto certificate =
        net::sign_client_request(authority(), made.request_pem, name, from, validity).value();
    return keep(name, made.key_pem, certificate);
  }
  net::CertificateInfo keep(const std::string& name, const std::string& key,
                            const std::string& certificate) {
    EXPECT_TRUE(write_atomic(file(name + ".key"), key).ok());
    EXPECT_TRUE(write_atomic(file(name + ".pem"), certificate).ok());
    return net::certificate_info(certificate).value();
  }
  std::string file(const std::string& name) const { return temporary_.path() + "/" + name; }

  // Until neither this thread nor the pool, where handshakes are computed, has anything to do: they
  // hand work to each other a few times.
  void settle() {
    for (int turn = 0; turn < 4; ++turn) {
      driver_.settle();
      std::promise<void> reached;
      asio::post(pool_, [&reached] { reached.set_value(); });
      reached.get_future().wait();
    }
    driver_.settle();
  }

  // A connection with NAME's certificate; without a name, with none.
  Result<std::unique_ptr<net::Session>> try_connect(const std::string& name) {
    net::TlsClient options;
    options.authority_file = folder_.authority();
    if (!name.empty()) {
      options.certificate_file = file(name + ".pem");
      options.key_file = file(name + ".key");
    }
    auto connector =
        net::make_tls_connector(driver_.executor(), listener_->address(), options).value();
    return driver_.wait(connector->connect());
  }
  net::Session& connect(const std::string& name) {
    links_.push_back(try_connect(name).value());
    return *links_.back();
  }
  void say(net::Session& link, const wire::Message& message) {
    const auto bytes = wire::encode(message);
    ASSERT_TRUE(driver_.wait(link.send(wire::FrameKind::kControl, bytes, {})).ok());
  }
  // The answer; a bye with the error's text when the connection ended instead.
  wire::Message hear(net::Session& link) {
    Bytes payload;
    auto kind = driver_.wait(link.receive(payload, kLong));
    if (!kind) return wire::Bye{kind.error().message()};
    return wire::decode(payload).value();
  }
  template <typename M>
  M ask(net::Session& link, const wire::Message& message) {
    say(link, message);
    auto answer = hear(link);
    EXPECT_TRUE(std::holds_alternative<M>(answer)) << wire::name_of(answer);
    return std::holds_alternative<M>(answer) ? std::get<M>(answer) : M{};
  }
  static wire::Hello hello(const std::string& name) { return wire::Hello{name, 10, 0, "test"}; }
  net::Session& join(const std::string& name) {
    auto& link = connect(name);
    ask<wire::Welcome>(link, hello(name));
    ask<wire::Joined>(link, wire::Join{manifest()});
    return link;
  }
  static Manifest manifest() {
    return Manifest::make({spec("w", DType::kF32, {4, 4}, Role::kLinearWeight)}).value();
  }
  // Runs the server until the condition holds.
  template <typename F>
  bool until(F condition) {
    const auto limit = std::chrono::steady_clock::now() + kLong;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      driver_.io().restart();
      driver_.io().run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  uint64_t denied(server::Denial cause) const {
    return server_->context().admission.denied[static_cast<size_t>(cause)];
  }

  Driver driver_;
  asio::thread_pool pool_;
  TemporaryFolder temporary_;
  server::ServerFolder folder_;
  server::RunConfig config_;
  server::AdmissionConfig admission_;
  AuditRecorder audit_;
  net::Duration look_every_{1'000};
  std::unique_ptr<server::SecuredFolder> secured_;
  std::unique_ptr<server::Server> server_;
  std::shared_ptr<net::Listener> listener_;
  Driver::Pending<Status> running_;
  std::vector<std::unique_ptr<net::Session>> links_;
};

}  // namespace atl::testing
