#include "common/core/folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/core/file.h"

namespace atl {

Status write_folder(const std::string& folder,
                    const std::function<Status(const std::string& part)>& fill) {
  const auto part = folder + ".part-" + std::to_string(::getpid());
  ATOLL_TRY(make_folders(part));
  auto written = fill(part);
  if (written && std::rename(part.c_str(), folder.c_str()) != 0)
    written = errno_error("cannot rename " + part, errno);
  if (written) return {};
  std::error_code ignored;
  std::filesystem::remove_all(part, ignored);
  return written;
}

}  // namespace atl
