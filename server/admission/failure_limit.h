// How many attempts to get in may fail from one address. Only failures count, so any number of good
// clients may come from behind one address at once.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace atl::server {

// A token bucket for each network (network_of() in audit/limiter.h). Used on one thread; the memory
// is bounded.
class FailureLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t kNetworks = 4096;

  // `at_once` failures, and `a_minute` from then on.
  explicit FailureLimit(double at_once = 1'000, double a_minute = 600)
      : at_once_(at_once), a_minute_(a_minute) {}

  // What was counted so far stays counted.
  void set(double at_once, double a_minute) {
    at_once_ = at_once;
    a_minute_ = a_minute;
  }

  void failed(const std::string& address, Time now = std::chrono::steady_clock::now());
  // No more attempts for now.
  bool is_spent(const std::string& address, Time now = std::chrono::steady_clock::now()) const;
  size_t networks() const { return buckets_.size(); }

 private:
  struct Bucket {
    double left = 0;
    Time at;
  };
  double left(const Bucket& bucket, Time now) const;
  void make_room(Time now);

  double at_once_, a_minute_;
  std::map<std::string, Bucket> buckets_;  // only those that are not full
};

}  // namespace atl::server
