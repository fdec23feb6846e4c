#include "common/core/fault.h"

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace atl::fault {
namespace {

constexpr std::string_view kNames[] = {
    "accept",     "enrol",     "broadcast",        "upload.begin",      "upload.chunk",
    "upload.end", "aggregate", "checkpoint.write", "checkpoint.rename", "commit",
    "evaluate"};

}  // namespace

std::vector<std::string_view> names() { return {std::begin(kNames), std::end(kNames)}; }

#ifdef ATOLL_FAULTS
namespace {

struct Plan {
  std::string action;
  long at = 1;
};

// "name=action@n,name=action": parsed once.
std::map<std::string, Plan, std::less<>> parse_plans() {
  std::map<std::string, Plan, std::less<>> plans;
  const char* text = std::getenv("ATOLL_FAULT");
  std::string rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    std::string item = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const auto equals = item.find('=');
    ATOLL_CHECK(equals != std::string::npos, "ATOLL_FAULT: expected name=action[@n]");
    Plan plan{item.substr(equals + 1)};
    if (const auto at = plan.action.find('@'); at != std::string::npos) {
      plan.at = std::atol(plan.action.c_str() + at + 1);
      plan.action.resize(at);
    }
    plans[item.substr(0, equals)] = plan;
  }
  return plans;
}

}  // namespace

Status point(std::string_view name) {
  static std::mutex mutex;
  static auto plans = parse_plans();
  bool known = false;
  for (auto candidate : kNames) known = known || candidate == name;
  ATOLL_CHECK(known, "a fault point without an entry in the list");
  std::lock_guard lock(mutex);
  auto found = plans.find(name);
  if (found == plans.end() || --found->second.at != 0) return {};
  if (found->second.action == "kill") std::raise(SIGKILL);
  if (found->second.action == "stop") std::raise(SIGSTOP);
  if (found->second.action == "error")
    return Error(ErrorCode::kIo, "injected fault at " + std::string(name));
  return {};
}
#endif

}  // namespace atl::fault
