#include "experiments/report/built_with.h"

namespace atl::workbench {

std::string_view torch_version() { return ATOLL_TORCH_VERSION; }

}  // namespace atl::workbench
