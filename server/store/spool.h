// Spool: the files in which updates wait for their round's end. A file loses its name as soon as it
// is open, so a crash leaves nothing behind; one that is free again is written over by the next
// update, which costs half of what fresh pages do. There are never more than have been in use at
// once.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/core/file.h"

namespace atl::server {

// Thread-safe: an update may end on a compute thread.
class Spool {
 public:
  // `folder` exists.
  explicit Spool(std::string folder) : folder_(std::move(folder)) {}
  Result<File> take();
  void give(File file);
  size_t idle() const;

 private:
  const std::string folder_;
  mutable std::mutex mutex_;
  std::vector<File> idle_;
};

}  // namespace atl::server
