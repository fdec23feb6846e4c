// A file of the process's own, in memory where the machine has /dev/shm: inputs of readers that
// want a path, without a disk.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/core/file.h"
#include "tests/fuzz/target.h"

namespace atl::fuzz {

class ScratchFolder {
 public:
  ScratchFolder() {
    path_ = std::filesystem::is_directory("/dev/shm")
                ? "/dev/shm/atoll-fuzz-XXXXXX"
                : (std::filesystem::temp_directory_path() / "atoll-fuzz-XXXXXX").string();
    ATOLL_CHECK(::mkdtemp(path_.data()) != nullptr, "a temporary folder");
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string put(const std::string& name, ByteView bytes) const {
    ATOLL_CHECK(write_replace(file(name), as_text(bytes)).ok(), "a temporary file");
    return file(name);
  }

 private:
  std::string path_;
};

}  // namespace atl::fuzz
