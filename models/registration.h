// What ATOLL_REGISTER_MODEL (registry.h) and ATOLL_REGISTER_NORM (norm/norm.h) leave behind: they
// run before main(), where nobody could hear an error.
//
// Linkers take from a static library only what is asked for by name, and nothing asks for a
// registration: link such a library whole ($<LINK_LIBRARY:WHOLE_ARCHIVE,...> of CMake), or give its
// files to the program itself.
#pragma once

#include "common/core/result.h"

namespace atl::models {

class Registration {
 public:
  // What a registration in this line came to.
  Registration(Status done, const char* file, int line);
};

// The first that was refused. client_main() and workbench_main() ask before they do anything.
Status registrations();

}  // namespace atl::models

// A registration at namespace scope; `done` is a Status.
#define ATOLL_REGISTER_(done)                                                              \
  static const ::atl::models::Registration ATOLL_CONCAT(atoll_registration_, __COUNTER__)( \
      done, __FILE__, __LINE__)
