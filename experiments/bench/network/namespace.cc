#include "experiments/bench/network/namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "common/core/check.h"
#include "experiments/bench/network/route.h"

namespace atl::bench {
namespace {

constexpr const char* kName = "atoll0";
constexpr const char* kOwn = "/proc/thread-self/ns/net";
// Packets that wait for the emulator while it does not run; the emulated queue is another one.
constexpr int kDeviceQueue = 10'000;

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

Error unsupported(const std::string& what) {
  return Error(ErrorCode::kUnsupported, what + ": " + std::strerror(errno))
      .hint(
          "network namespaces and /dev/net/tun are needed: root on a machine of one's own, or "
          "`docker run --privileged`");
}

ifreq request_for(const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return request;
}

Status switch_on(int control, const char* name) {
  auto request = request_for(name);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(control, SIOCSIFFLAGS, &request) != 0) return unsupported("cannot switch on a link");
  return {};
}

Status set_address(int control, unsigned long what, const char* address) {
  auto request = request_for(kName);
  sockaddr_in internet{};
  internet.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address, &internet.sin_addr) != 1)
    return Error(ErrorCode::kUsage, std::string(address) + " is not an address");
  std::memcpy(&request.ifr_addr, &internet, sizeof(internet));
  if (::ioctl(control, what, &request) != 0) return unsupported("cannot set an address");
  return {};
}

// On a thread that has no other use.
Status enter_and_fill(const std::string& address, const std::string& congestion, int& net,
                      int& tun) {
  if (::unshare(CLONE_NEWNET) != 0) return unsupported("cannot make a network namespace");
  Descriptor own{::open(kOwn, O_RDONLY | O_CLOEXEC)};
  if (own.fd < 0) return unsupported("cannot open the network namespace");
  Descriptor device{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (device.fd < 0) return unsupported("cannot open /dev/net/tun");
  auto request = request_for(kName);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(device.fd, TUNSETIFF, &request) != 0 || ::ioctl(device.fd, TUNSETOFFLOAD, 0) != 0)
    return unsupported("cannot make a TUN device");
  const Descriptor control{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (control.fd < 0) return unsupported("cannot make a socket");
  auto length = request_for(kName);
  length.ifr_qlen = kDeviceQueue;
  if (::ioctl(control.fd, SIOCSIFTXQLEN, &length) != 0)
    return unsupported("cannot set the queue of a TUN device");
  ATOLL_TRY(set_address(control.fd, SIOCSIFADDR, address.c_str()));
  ATOLL_TRY(set_address(control.fd, SIOCSIFNETMASK, "255.255.255.0"));
  ATOLL_TRY(switch_on(control.fd, kName));
  ATOLL_TRY(switch_on(control.fd, "lo"));
  if (!congestion.empty()) {
    auto index = request_for(kName);
    if (::ioctl(control.fd, SIOCGIFINDEX, &index) != 0)
      return unsupported("cannot find the TUN device");
    in_addr network{};
    ::inet_pton(AF_INET, address.c_str(), &network);
    network.s_addr &= htonl(0xffffff00);
    ATOLL_TRY(set_congestion(network.s_addr, index.ifr_ifindex, congestion));
  }
  net = own.release();
  tun = device.release();
  return {};
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::make(const std::string& address,
                                                const std::string& congestion) {
  int net = -1, tun = -1;
  Status outcome;
  std::thread([&] { outcome = enter_and_fill(address, congestion, net, tun); }).join();
  ATOLL_TRY(outcome);
  return NetworkNamespace(net, tun);
}

NetworkNamespace::~NetworkNamespace() {
  if (tun_ >= 0) ::close(tun_);
  if (net_ >= 0) ::close(net_);
}

NetworkNamespace::Inside::Inside(const NetworkNamespace& where)
    : before_(::open(kOwn, O_RDONLY | O_CLOEXEC)) {
  ATOLL_CHECK(before_ >= 0 && ::setns(where.net_, CLONE_NEWNET) == 0,
              "who made a namespace may enter it");
}
NetworkNamespace::Inside::~Inside() {
  ATOLL_CHECK(::setns(before_, CLONE_NEWNET) == 0, "the way back is open");
  ::close(before_);
}

}  // namespace atl::bench
