#include "common/core/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/core/fault.h"

namespace atl {
namespace {

Result<int> open_fd(const std::string& path, int flags, mode_t mode = 0644) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno_error("cannot open " + path, errno);
  return fd;
}

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Status sync_folder(const std::string& folder) {
  ATOLL_ASSIGN(const int fd, open_fd(folder, O_RDONLY | O_DIRECTORY));
  const int failed = ::fsync(fd);
  const int saved = errno;
  ::close(fd);
  if (failed != 0) return errno_error("cannot sync " + folder, saved);
  return {};
}

}  // namespace

Result<File> File::open_read(const std::string& path) {
  ATOLL_ASSIGN(const int fd, open_fd(path, O_RDONLY));
  return File(fd, path);
}
Result<File> File::create(const std::string& path, unsigned mode) {
  ATOLL_ASSIGN(const int fd, open_fd(path, O_RDWR | O_CREAT | O_TRUNC, mode));
  return File(fd, path);
}
Result<File> File::open_or_create(const std::string& path) {
  ATOLL_ASSIGN(const int fd, open_fd(path, O_RDWR | O_CREAT));
  return File(fd, path);
}
File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}
File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<uint64_t> File::size() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return errno_error("cannot examine " + path_, errno);
  return static_cast<uint64_t>(info.st_size);
}

Status File::read_at(uint64_t offset, MutableByteView out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("cannot read " + path_, errno);
    if (got == 0)
      return Error(ErrorCode::kIo, path_ + " ends early, at byte " + std::to_string(offset));
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

Status File::write_at(uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error("cannot write " + path_, errno);
    bytes = bytes.subspan(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return {};
}

Status File::truncate(uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
    return errno_error("cannot resize " + path_, errno);
  return {};
}

Status File::sync() {
  if (::fsync(fd_) != 0) return errno_error("cannot sync " + path_, errno);
  return {};
}

Result<std::string> read_text(const std::string& path, uint64_t limit) {
  ATOLL_ASSIGN(auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  if (size > limit)
    return Error(ErrorCode::kIo, path + " is larger than " + std::to_string(limit) + " bytes");
  std::string text(size, '\0');
  ATOLL_TRY(file.read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

static Status write_atomic_mode(const std::string& path, mode_t mode,
                                const std::function<Status(File&)>& fill,
                                std::string_view fault = {}) {
  const std::string temporary = path + ".part";
  // What a crash left behind may be open to others: whoever holds it open keeps the old file.
  ::unlink(temporary.c_str());
  auto file = File::create(temporary, mode);
  if (!file) return std::move(file).error().wrap("cannot write " + path);
  Status done;
  if (::chmod(temporary.c_str(), mode) != 0)  // whatever the umask says
    done = errno_error("cannot set the permissions of " + temporary, errno);
  if (done) done = fill(*file);
  if (done) done = file->sync();
  if (done && !fault.empty()) done = fault::point(fault, ".rename");
  if (done && std::rename(temporary.c_str(), path.c_str()) != 0)
    done = errno_error("cannot rename " + temporary, errno);
  if (!done) {
    ::unlink(temporary.c_str());
    return std::move(done).error().wrap("cannot write " + path);
  }
  return sync_folder(folder_of(path));
}

Status write_atomic(const std::string& path, const std::function<Status(File&)>& fill,
                    std::string_view fault) {
  return write_atomic_mode(path, 0644, fill, fault);
}
Status write_atomic(const std::string& path, std::string_view text) {
  return write_atomic_mode(path, 0644,
                           [text](File& file) { return file.write_at(0, as_bytes(text)); });
}
Status write_replace(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".part";
  ATOLL_ASSIGN(auto file, File::create(temporary));
  ATOLL_TRY(file.write_at(0, as_bytes(text)));
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return errno_error("cannot rename " + temporary, errno);
  }
  return {};
}
Status write_secret(const std::string& path, std::string_view text) {
  return write_atomic_mode(path, 0600,
                           [text](File& file) { return file.write_at(0, as_bytes(text)); });
}

Status make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return errno_error("cannot make the folder " + path, error.value());
  return {};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

FileLock::FileLock(const std::string& path)
    : fd_(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (fd_ >= 0) ::flock(fd_, LOCK_EX);
}
FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace atl
