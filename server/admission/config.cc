#include "server/admission/config.h"

#include <cmath>

#include "common/wire/message.h"

namespace atl::server {
namespace {

void read_days(config::Table& table, const char* key, std::chrono::seconds& out,
               config::Range range) {
  double days = static_cast<double>(out.count()) / 86'400;
  table.read(key, days, range);
  out = std::chrono::seconds(std::llround(days * 86'400));
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  // The last '*' takes one character more each time that what follows it does not fit.
  size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

AdmissionConfig read_admission_config(config::Table root) {
  AdmissionConfig admission;
  auto table = root.table("admission");
  table.read("allow", admission.allow);
  for (const auto& pattern : admission.allow) {
    std::string name = pattern;
    std::erase(name, '*');
    if (pattern.empty() || (!name.empty() && !wire::is_valid_name(name)))
      table.fail("allow", "\"" + pattern + "\" is neither a client's name nor one with '*' in it");
  }
  table.read("failed_attempts", admission.failed_attempts, {.min = 1});
  table.read("failed_attempts_a_minute", admission.failed_attempts_a_minute, {.min = 1});
  auto identity = root.table("identity");
  // Parts of a day are for tests; ten years is as long as the authority's own certificate.
  read_days(identity, "client_days", admission.client_lifetime, {.min = 1e-4, .max = 3650});
  read_days(identity, "renew_grace_days", admission.renew_grace, {.min = 0, .max = 3650});
  return admission;
}

}  // namespace atl::server
