#include "server/admission/config.h"

#include <cmath>

namespace atl::server {
namespace {

void read_days(config::Table& table, const char* key, std::chrono::seconds& out,
               config::Range range) {
  double days = static_cast<double>(out.count()) / 86'400;
  table.read(key, days, range);
  out = std::chrono::seconds(std::llround(days * 86'400));
}

}  // namespace

AdmissionConfig read_admission_config(config::Table root) {
  AdmissionConfig admission;
  auto identity = root.table("identity");
  // Parts of a day are for tests; ten years is as long as the authority's own certificate.
  read_days(identity, "client_days", admission.client_lifetime, {.min = 1e-4, .max = 3650});
  read_days(identity, "renew_grace_days", admission.renew_grace, {.min = 0, .max = 3650});
  return admission;
}

}  // namespace atl::server
