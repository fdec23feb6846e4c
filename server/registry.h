// Registry: the clients that have joined, and which are connected now. Used on the server's
// executor only.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/net/transport.h"

namespace atl::server {

struct Member {
  uint64_t train_examples = 0;
  uint64_t test_examples = 0;
  net::Session* session = nullptr;  // null while away
  std::string address;
  std::chrono::steady_clock::time_point left{};  // when it went away
  bool gone = false;  // said that it will not come back, or was told not to
};

class Registry {
 public:
  // A client that lost its connection tries again within its longest pause, 30 s.
  static constexpr std::chrono::seconds kComeBack{35};

  // A client joined, or came back. Its older session, if any, is closed: the newer connection is
  // the live one.
  void join(const std::string& name, Member member) {
    auto& place = members_[name];
    if (place.session != nullptr && place.session != member.session) place.session->close();
    place = std::move(member);
  }
  // False when this session is not the client's live one.
  bool leave(const std::string& name, const net::Session* session) {
    auto found = members_.find(name);
    if (found == members_.end() || found->second.session != session) return false;
    found->second.session = nullptr;
    found->second.left = std::chrono::steady_clock::now();
    return true;
  }
  // A client that took part before this server was started: it will look for the server again.
  void expect(const std::string& name) {
    auto [place, fresh] = members_.try_emplace(name);
    if (fresh) place->second.left = std::chrono::steady_clock::now();
  }
  void gone(const std::string& name) {
    if (auto found = members_.find(name); found != members_.end()) found->second.gone = true;
  }
  // Clients that are away, but may still come back.
  size_t awaited() const {
    const auto now = std::chrono::steady_clock::now();
    size_t count = 0;
    for (const auto& [name, member] : members_)
      count += !member.gone && member.session == nullptr && now - member.left < kComeBack;
    return count;
  }
  size_t connected() const {
    size_t count = 0;
    for (const auto& [name, member] : members_) count += !member.gone && member.session != nullptr;
    return count;
  }
  const std::map<std::string, Member>& members() const { return members_; }

  // Connected clients with training data, sorted by name.
  std::vector<std::string> trainers() const {
    std::vector<std::string> names;
    for (const auto& [name, member] : members_) {
      if (member.session != nullptr && member.train_examples > 0) names.push_back(name);
    }
    return names;
  }

 private:
  std::map<std::string, Member> members_;
};

}  // namespace atl::server
