#include "common/core/fault.h"

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "common/core/log.h"

namespace atl::fault {
namespace {

constexpr std::string_view kNames[] = {"accept",
                                       "enrol",
                                       "intent",
                                       "broadcast",
                                       "upload.begin",
                                       "upload.chunk",
                                       "upload.end",
                                       "aggregate",
                                       "checkpoint.write",
                                       "checkpoint.piece",
                                       "checkpoint.rename",
                                       "commit",
                                       "commit.after",
                                       "evaluate",
                                       "client.enrol",
                                       "client.renew",
                                       "client.connect",
                                       "client.fetch",
                                       "client.train",
                                       "client.keep.piece",
                                       "client.keep.rename",
                                       "client.upload",
                                       "client.outcome"};

struct Plan {
  std::string action;
  long at = 1;
};
using Plans = std::map<std::string, Plan, std::less<>>;

bool is_known(std::string_view name) {
  for (auto candidate : kNames)
    if (candidate == name) return true;
  return false;
}

// "name=action@n,name=action": parsed once. A plan with a typing error would test nothing.
Plans parse_plans() {
  Plans plans;
  const char* text = std::getenv("ATOLL_FAULT");
  std::string rest = text == nullptr ? "" : text;
  log::warn("fault", "ATOLL_FAULT is set: this process will fail on purpose (" + rest + ")");
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
    const std::string name = item.substr(0, equals);
    ATOLL_CHECK(is_known(name), "ATOLL_FAULT: there is no fault point " + name);
    ATOLL_CHECK(plan.action == "kill" || plan.action == "stop" || plan.action == "error",
                "ATOLL_FAULT: the actions are kill, stop and error");
    plans[name] = plan;
  }
  return plans;
}

}  // namespace

std::vector<std::string_view> names() { return {std::begin(kNames), std::end(kNames)}; }

namespace detail {

const bool armed = std::getenv("ATOLL_FAULT") != nullptr;

Status reach(std::string_view prefix, std::string_view suffix) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  static Plans plans = parse_plans();
  const std::string name = std::string(prefix) + std::string(suffix);
  ATOLL_CHECK(is_known(name), "a fault point without an entry in the list: " + name);
  auto found = plans.find(name);
  if (found == plans.end() || --found->second.at != 0) return {};
  if (found->second.action == "kill") std::raise(SIGKILL);
  if (found->second.action == "stop") std::raise(SIGSTOP);
  if (found->second.action == "error") return Error(ErrorCode::kIo, "injected fault at " + name);
  return {};
}

}  // namespace detail
}  // namespace atl::fault
