#include "common/core/supervisor.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

// A supervisor's socket, of this name.
class Supervisor {
 public:
  explicit Supervisor(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Supervisor() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
  }
  std::string heard() const {
    char text[256];
    const auto got = ::recv(socket_, text, sizeof(text), 0);
    return got < 0 ? "" : std::string(text, static_cast<size_t>(got));
  }

 private:
  int socket_;
};

TEST(TellSupervisor, ReachesASocketByPathAndByAbstractName) {
  const testing::TemporaryFolder folder;
  for (const auto& name :
       {folder.path() + "/notify", "@atoll-test-" + std::to_string(::getpid())}) {
    const Supervisor supervisor(name);
    tell_supervisor("READY=1");
    EXPECT_EQ(supervisor.heard(), "READY=1") << name;
    EXPECT_EQ(supervisor.heard(), "");
  }
}

TEST(TellSupervisor, NobodyThereIsNoTrouble) {
  ::unsetenv("NOTIFY_SOCKET");
  tell_supervisor("READY=1");
  for (const std::string name : {"", "x", "/nowhere/at/all"}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    tell_supervisor("READY=1");
  }
  ::setenv("NOTIFY_SOCKET", std::string(300, '/').c_str(), 1);
  tell_supervisor("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace atl
