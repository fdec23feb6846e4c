#include "experiments/bench/network/plain_tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <vector>

namespace atl::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr uint16_t kPort = 9;
constexpr size_t kPiece = 256 << 10;
constexpr auto kConnect = std::chrono::seconds(60);

class Sockets {
 public:
  ~Sockets() {
    // What is still queued would go on using the link.
    const linger drop{1, 0};
    for (const int fd : all_) {
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
      ::close(fd);
    }
  }
  int add(int fd) {
    if (fd >= 0) all_.push_back(fd);
    return fd;
  }
  void shut_down() const {
    for (const int fd : all_) ::shutdown(fd, SHUT_RDWR);
  }

 private:
  std::vector<int> all_;
};

sockaddr_in server_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  ::inet_pton(AF_INET, EmulatedLink::kServer, &address.sin_addr);
  return address;
}

struct Pair {
  int server, client;
};

// Within both namespaces, in turn.
Result<std::vector<Pair>> connect_all(const EmulatedLink& link, size_t connections,
                                      Sockets& sockets) {
  const auto address = server_address();
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  int listener = -1;
  {
    const NetworkNamespace::Inside inside(link.server_side());
    const int yes = 1;
    listener = sockets.add(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (::bind(listener, raw, sizeof(address)) != 0 || ::listen(listener, 16) != 0)
      return errno_error("cannot listen", errno);
  }
  const timeval limit{std::chrono::seconds(kConnect).count(), 0};
  ::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  std::vector<Pair> pairs;
  for (size_t i = 0; i < connections; ++i) {
    const NetworkNamespace::Inside inside(link.client_side());
    const int client = sockets.add(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (::connect(client, raw, sizeof(address)) != 0)
      return Error(ErrorCode::kNetwork, "a plain TCP connection is not made within a minute");
    const timeval never{0, 0};
    ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &never, sizeof(never));
    const int server = sockets.add(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (server < 0) return Error(ErrorCode::kNetwork, "a plain TCP connection is not taken");
    pairs.push_back({server, client});
  }
  return pairs;
}

void send_all(int fd, uint64_t bytes) {
  const std::vector<char> piece(kPiece, 'x');
  while (bytes > 0) {
    const ssize_t put = ::send(fd, piece.data(), std::min<uint64_t>(bytes, kPiece), MSG_NOSIGNAL);
    if (put <= 0) return;
    bytes -= static_cast<uint64_t>(put);
  }
}

}  // namespace

Result<PlainTcp> run_plain_tcp(const EmulatedLink& link, Direction direction, size_t connections,
                               uint64_t each, std::chrono::milliseconds limit) {
  Sockets sockets;
  ATOLL_ASSIGN(const auto pairs, connect_all(link, connections, sockets));
  std::mutex mutex;
  std::condition_variable changed;
  size_t complete = 0;
  std::atomic<uint64_t> bytes{0};
  const auto begun = Clock::now();
  std::vector<std::thread> threads;
  for (const auto& pair : pairs) {
    const bool down = direction == Direction::kDown;
    const int from = down ? pair.server : pair.client, to = down ? pair.client : pair.server;
    threads.emplace_back([from, each] { send_all(from, each); });
    threads.emplace_back([&, to] {
      std::vector<char> piece(kPiece);
      uint64_t have = 0;
      for (ssize_t got; have < each && (got = ::recv(to, piece.data(), kPiece, 0)) > 0;) {
        have += static_cast<uint64_t>(got);
        bytes += static_cast<uint64_t>(got);
      }
      const std::lock_guard lock(mutex);
      ++complete;
      changed.notify_one();
    });
  }
  PlainTcp result;
  {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, limit, [&] { return complete == pairs.size(); });
    result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    result.bytes = bytes;
  }
  sockets.shut_down();
  for (auto& thread : threads) thread.join();
  return result;
}

}  // namespace atl::bench
