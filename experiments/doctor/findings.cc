#include "experiments/doctor/findings.h"

#include <algorithm>

namespace atl::workbench {

void Findings::ok(const std::string& check, const std::string& text) {
  all_.push_back({Grade::kOk, about_, check, text, "", ErrorCode::kMissed});
}

void Findings::warn(const std::string& check, const std::string& text, const std::string& next) {
  all_.push_back({Grade::kWarning, about_, check, text, next, ErrorCode::kMissed});
}

void Findings::problem(const std::string& check, const Error& error, const std::string& next) {
  problem(check, error.code(), error.message(), error.hint().empty() ? next : error.hint());
}

void Findings::problem(const std::string& check, ErrorCode code, const std::string& text,
                       const std::string& next) {
  all_.push_back({Grade::kProblem, about_, check, text, next, code});
}

void Findings::take(const std::string& check, const Result<std::string>& found,
                    const std::string& next) {
  found ? ok(check, *found) : problem(check, found.error(), next);
}

const Finding* Findings::first_problem() const {
  const auto found = std::find_if(all_.begin(), all_.end(), [](const Finding& finding) {
    return finding.grade == Grade::kProblem;
  });
  return found == all_.end() ? nullptr : &*found;
}

size_t Findings::count(Grade grade) const {
  return static_cast<size_t>(std::count_if(all_.begin(), all_.end(),
                                           [grade](const Finding& f) { return f.grade == grade; }));
}

}  // namespace atl::workbench
