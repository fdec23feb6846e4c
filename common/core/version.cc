#include "common/core/version.h"

namespace atl {

std::string_view version() { return ATOLL_VERSION; }

}  // namespace atl
