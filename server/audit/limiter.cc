#include "server/audit/limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>

namespace atl::server {
namespace {

constexpr std::chrono::minutes kWindow{1};
// The place of all strangers beyond the first kPlaces, and of those that there is no budget for.
constexpr const char* kShared = "/*";

// What a run does by itself is as long as the run, whoever takes part.
bool is_bounded(AuditEvent event) {
  return event == AuditEvent::kRunStarted || event == AuditEvent::kReloaded ||
         event == AuditEvent::kRoundCommitted || event == AuditEvent::kUpdateAccepted ||
         event == AuditEvent::kRevoked;
}

// A clock that was set back does not keep a window open.
bool is_over(net::WallTime begin, net::WallTime now) {
  return now - begin >= kWindow || now < begin;
}

}  // namespace

std::string network_of(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return address;
  const std::string host = address.substr(0, colon);
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return host;
  in6_addr bytes{};
  if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &bytes) != 1) return host;
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) return host;
  std::fill(bytes.s6_addr + 8, bytes.s6_addr + 16, uint8_t{0});
  char text[INET6_ADDRSTRLEN];
  return std::string("[") + ::inet_ntop(AF_INET6, &bytes, text, sizeof(text)) + "]/64";
}

AuditLimiter::Window& AuditLimiter::place(const std::string& key, bool stranger,
                                          net::WallTime now) {
  auto [place, fresh] = windows_.try_emplace(key);
  if (fresh) {
    place->second.begin = now;
    place->second.stranger = stranger;
    strangers_ += stranger;
    next_ = windows_.size() == 1 ? now + kWindow : std::min(next_, now + kWindow);
  }
  return place->second;
}

AuditLimiter::Window& AuditLimiter::window_of(const AuditEntry& entry, bool stranger,
                                              net::WallTime now) {
  const std::string event(to_string(entry.event));
  const auto key = event + (stranger ? "/?" + network_of(entry.peer) : "/" + entry.client);
  const bool shared = stranger && strangers_ >= kPlaces && windows_.count(key) == 0;
  return place(shared ? event + kShared : key, stranger, now);
}

bool AuditLimiter::spend(net::WallTime now) {
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - filled_).count();
  budget_ = std::min(kBudget, budget_ + std::max(0.0, minutes) * kBudgetAMinute);
  filled_ = now;
  if (budget_ < 1) return false;
  budget_ -= 1;
  return true;
}

bool AuditLimiter::admit(const AuditEntry& entry, net::WallTime now) {
  if (is_bounded(entry.event)) return true;
  const bool stranger = entry.client.empty();
  auto& window = window_of(entry, stranger, now);
  const int most = stranger ? kOfStranger : kOfClient;
  if (window.written < most && (!stranger || spend(now))) {
    ++window.written;
    return true;
  }
  ++window.counted;
  window.last = std::make_unique<AuditEntry>(entry);
  return false;
}

std::vector<AuditLimiter::Counted> AuditLimiter::due(net::WallTime now, bool all) {
  if (windows_.empty() || (!all && now < next_ && !is_over(next_ - kWindow, now))) return {};
  std::vector<Counted> out;
  std::map<std::string, Counted> rest;  // by the key of the place that is shared
  for (auto it = windows_.begin(); it != windows_.end();) {
    auto& [key, window] = *it;
    if (!all && !is_over(window.begin, now)) {
      ++it;
      continue;
    }
    if (window.counted > 0) {
      Counted counted{std::move(*window.last), window.counted};
      counted.entry.peer = network_of(counted.entry.peer);
      if (key.ends_with(kShared)) {
        counted.entry.peer = "many";
        counted.entry.serial.clear();
        out.push_back(std::move(counted));
      } else if (!window.stranger || spend(now)) {
        out.push_back(std::move(counted));
      } else {
        auto& sum = rest[std::string(to_string(counted.entry.event)) + kShared];
        sum.count += counted.count;
        sum.entry = std::move(counted.entry);
      }
    }
    strangers_ -= window.stranger;
    it = windows_.erase(it);
  }
  for (auto& [key, sum] : rest) {
    auto& window = place(key, true, now);
    window.counted += sum.count;
    window.last = std::make_unique<AuditEntry>(std::move(sum.entry));
  }
  if (all && !rest.empty()) {
    auto last = due(now, true);
    std::move(last.begin(), last.end(), std::back_inserter(out));
  }
  next_ = net::WallTime::max();
  for (const auto& [key, window] : windows_) next_ = std::min(next_, window.begin + kWindow);
  return out;
}

}  // namespace atl::server
