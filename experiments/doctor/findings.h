// What a check found: good, a warning, or a problem with its exit code and what to type.
#pragma once

#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::workbench {

enum class Grade { kOk, kWarning, kProblem };

struct Finding {
  Grade grade = Grade::kOk;
  std::string about;                    // the folder or file; empty: this machine
  std::string check;                    // one word: "memory"
  std::string text;                     // what was found, and why it matters
  std::string next;                     // a command; empty where all is well
  ErrorCode code = ErrorCode::kMissed;  // of a problem
};

// Collects; `about` is set once for the checks that follow.
class Findings {
 public:
  void turn_to(std::string about) { about_ = std::move(about); }
  void ok(const std::string& check, const std::string& text);
  void warn(const std::string& check, const std::string& text, const std::string& next);
  // `next` where the error has no hint of its own.
  void problem(const std::string& check, const Error& error, const std::string& next);
  void problem(const std::string& check, ErrorCode code, const std::string& text,
               const std::string& next);
  // ok with the value, or a problem.
  void take(const std::string& check, const Result<std::string>& found, const std::string& next);

  const std::vector<Finding>& all() const { return all_; }
  const Finding* first_problem() const;
  size_t count(Grade grade) const;

 private:
  std::string about_;
  std::vector<Finding> all_;
};

}  // namespace atl::workbench
