#include "common/net/revocation.h"

#include <sys/stat.h>

#include <cerrno>
#include <sstream>

#include "common/core/file.h"

namespace atl::net {

Status RevocationList::refresh() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    if (errno != ENOENT) return errno_error("cannot examine " + path_, errno);
    serials_.clear();
    stamp_.clear();
    return {};
  }
  std::ostringstream stamp;
  stamp << info.st_ino << "/" << info.st_size << "/" << info.st_mtim.tv_sec << "."
        << info.st_mtim.tv_nsec;
  if (stamp.str() == stamp_) return {};
  ATOLL_ASSIGN(auto text, read_text(path_));
  serials_.clear();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (auto serial = line.substr(0, line.find(' ')); !serial.empty()) serials_.insert(serial);
  }
  stamp_ = stamp.str();
  return {};
}

Result<bool> RevocationList::contains(const std::string& serial) {
  ATOLL_TRY(refresh());
  return serials_.count(serial) != 0;
}

Result<bool> RevocationList::changed() {
  ATOLL_TRY(refresh());
  if (asked_ == stamp_) return false;
  asked_ = stamp_;
  return true;
}

Status RevocationList::add(const CertificateInfo& certificate, WallTime now) {
  const FileLock lock(path_);  // two at once must not lose one
  std::string text;
  struct stat info {};
  if (::stat(path_.c_str(), &info) == 0) {
    ATOLL_ASSIGN(text, read_text(path_));
  }
  text += certificate.serial + " " + certificate.common_name + " " +
          std::to_string(std::chrono::system_clock::to_time_t(now)) + "\n";
  return write_atomic(path_, text);
}

}  // namespace atl::net
