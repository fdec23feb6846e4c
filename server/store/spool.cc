#include "server/store/spool.h"

#include <unistd.h>

namespace atl::server {

Result<File> Spool::take() {
  std::lock_guard lock(mutex_);
  if (!idle_.empty()) {
    auto file = std::move(idle_.back());
    idle_.pop_back();
    return file;
  }
  const std::string path = folder_ + "/update";
  ATOLL_ASSIGN(auto file, File::create(path));
  ::unlink(path.c_str());
  return file;
}

void Spool::give(File file) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(file));
}

size_t Spool::idle() const {
  std::lock_guard lock(mutex_);
  return idle_.size();
}

}  // namespace atl::server
