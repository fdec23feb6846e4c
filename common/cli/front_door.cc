#include "common/cli/front_door.h"

#include <cstdlib>

namespace atl::cli {

std::string front_door() {
  const char* typed = std::getenv("ATOLL_FRONT_DOOR");
  return typed != nullptr && *typed != '\0' ? typed : "atoll";
}

}  // namespace atl::cli
