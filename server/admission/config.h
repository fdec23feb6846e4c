// Who may take part, and for how long a certificate is good: [admission] and [identity] of
// server.toml. Not part of the run's configuration, so they may change from one start to the next.
#pragma once

#include <chrono>

#include "common/config/config.h"

namespace atl::server {

struct AdmissionConfig {
  std::chrono::seconds client_lifetime{std::chrono::hours(24 * 365)};  // [identity] client_days
  // [identity] renew_grace_days: for how long after its end a certificate may still be renewed
  std::chrono::seconds renew_grace{std::chrono::hours(24 * 30)};
};

// Reads the tables; leaves document.finish() to the caller.
AdmissionConfig read_admission_config(config::Table root);

}  // namespace atl::server
