// Registry: the clients that have joined, and which are connected now. Used on the server's
// executor only.
#pragma once

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
};

class Registry {
 public:
  // A client joined, or came back. Its older session, if any, is closed: the newer connection is
  // the live one.
  void join(const std::string& name, Member member) {
    auto& place = members_[name];
    if (place.session != nullptr && place.session != member.session) place.session->close();
    place = std::move(member);
  }
  void leave(const std::string& name, const net::Session* session) {
    auto found = members_.find(name);
    if (found != members_.end() && found->second.session == session)
      found->second.session = nullptr;
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
