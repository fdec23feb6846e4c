#include "experiments/bench/network/route.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/core/bytes.h"

namespace atl::bench {
namespace {

// A netlink message under way.
class Request {
 public:
  explicit Request(const rtmsg& route) {
    header_.nlmsg_type = RTM_NEWROUTE;
    header_.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    bytes_.resize(NLMSG_HDRLEN);
    append(&route, sizeof(route));
  }
  void add(unsigned short type, const void* data, size_t size) {
    const size_t at = open(type);
    append(data, size);
    close(at);
  }
  // What is added until close() is inside.
  size_t open(unsigned short type) {
    const size_t at = bytes_.size();
    const rtattr attribute{0, type};
    append(&attribute, sizeof(attribute));
    return at;
  }
  void close(size_t at) {
    const auto length = static_cast<unsigned short>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &length, sizeof(length));
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  const Bytes& finish() {
    header_.nlmsg_len = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &header_, sizeof(header_));
    return bytes_;
  }

 private:
  void append(const void* data, size_t size) {
    const auto* raw = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), raw, raw + size);
  }
  nlmsghdr header_{};
  Bytes bytes_;
};

}  // namespace

Status set_congestion(uint32_t network, int interface, const std::string& congestion) {
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_dst_len = 24;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_KERNEL;  // replaces the one that came with the address
  route.rtm_scope = RT_SCOPE_LINK;
  route.rtm_type = RTN_UNICAST;
  Request request(route);
  request.add(RTA_DST, &network, sizeof(network));
  request.add(RTA_OIF, &interface, sizeof(interface));
  const size_t metrics = request.open(RTA_METRICS);
  request.add(RTAX_CC_ALGO, congestion.c_str(), congestion.size() + 1);
  request.close(metrics);

  const int link = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct {
    nlmsghdr header;
    nlmsgerr outcome;
    char rest[512];
  } answer{};
  const auto& bytes = request.finish();
  if (link < 0 || ::send(link, bytes.data(), bytes.size(), 0) < 0 ||
      ::recv(link, &answer, sizeof(answer), 0) < 0)
    answer.outcome.error = -errno;
  if (link >= 0) ::close(link);
  if (answer.outcome.error == 0) return {};
  return Error(ErrorCode::kUnsupported, "cannot use the congestion control \"" + congestion +
                                            "\": " + std::strerror(-answer.outcome.error));
}

}  // namespace atl::bench
