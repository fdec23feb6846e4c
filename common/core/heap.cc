#include "common/core/heap.h"

#include <unistd.h>

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace atl {

#ifdef __GLIBC__

void begin_with_a_frugal_heap(char** argv) {
  constexpr const char* kVariable = "GLIBC_TUNABLES";
  if (std::getenv(kVariable) != nullptr) return;
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (length <= 0) return;
  path[length] = '\0';
  ::setenv(kVariable, "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0",
           1);
  ::execv(path, argv);  // returns only where it fails: then with the heap as it is
}

void give_back_empty_pages() { ::malloc_trim(0); }

#else

void begin_with_a_frugal_heap(char**) {}
void give_back_empty_pages() {}

#endif

}  // namespace atl
