// Who may take part, and for how long a certificate is good: [admission] and [identity] of
// server.toml. Not part of the run's configuration, so they may change from one start to the next.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.h"

namespace atl::server {

struct AdmissionConfig {
  // [admission] allow: names, '*' stands for any characters; empty: everybody with a certificate
  std::vector<std::string> allow;
  // [admission] failed_attempts, failed_attempts_a_minute: of one address (failure_limit.h)
  uint32_t failed_attempts = 1'000, failed_attempts_a_minute = 600;
  std::chrono::seconds client_lifetime{std::chrono::hours(24 * 365)};  // [identity] client_days
  // [identity] renew_grace_days: for how long after its end a certificate may still be renewed
  std::chrono::seconds renew_grace{std::chrono::hours(24 * 30)};
};

// '*' in the pattern stands for any characters, also for none.
bool matches(std::string_view pattern, std::string_view name);

// Reads the tables; leaves document.finish() to the caller.
AdmissionConfig read_admission_config(config::Table root);

}  // namespace atl::server
