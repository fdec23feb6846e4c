#include "common/core/priority.h"

#include <sys/resource.h>
#include <unistd.h>

namespace atl {

void set_nice_of_this_thread(int nice) {
  // On Linux a thread's id names the thread, not its process.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

}  // namespace atl
