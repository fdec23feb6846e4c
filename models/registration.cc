#include "models/registration.h"

namespace atl::models {
namespace {

// Made when the first registration runs, whatever the order of the program's files.
Status& first_refusal() {
  static Status refusal;
  return refusal;
}

}  // namespace

Registration::Registration(Status done, const char* file, int line) {
  if (done || !first_refusal()) return;
  first_refusal() = std::move(done).error().wrap("the registration at " + std::string(file) + ":" +
                                                 std::to_string(line) + " is refused");
}

Status registrations() { return first_refusal(); }

}  // namespace atl::models
