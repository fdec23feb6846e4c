// Files: whole reads, random access, and writes that are all there or not there at all.
#pragma once

#include <functional>
#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl {

// An open file. Move-only; closes itself. Reads and writes at an offset may come from several
// threads.
class File {
 public:
  static Result<File> open_read(const std::string& path);
  // Truncates. `mode` holds from the first moment of a new file on.
  static Result<File> create(const std::string& path, unsigned mode = 0644);
  static Result<File> open_or_create(const std::string& path);  // keeps what is there
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  Result<uint64_t> size() const;
  Status read_at(uint64_t offset, MutableByteView out) const;  // short reads are errors
  Status write_at(uint64_t offset, ByteView bytes);
  Status truncate(uint64_t size);
  Status sync();
  const std::string& path() const { return path_; }

 private:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

// Reads a whole file; refuses one larger than `limit` bytes.
Result<std::string> read_text(const std::string& path, uint64_t limit = 64u << 20);

// Writes PATH so that a crash at any moment leaves the old file or the new one, never a part: a
// temporary file in the same folder, `fill`, fsync, rename, fsync of the folder.
// `fault`: the fault point FAULT.rename lies just before the rename; none when empty.
Status write_atomic(const std::string& path, const std::function<Status(File&)>& fill,
                    std::string_view fault = {});
Status write_atomic(const std::string& path, std::string_view text);
// The same without waiting for the disk, for what is rewritten often and worth nothing after a
// crash.
Status write_replace(const std::string& path, std::string_view text);
// As write_atomic, with owner-only permissions (keys, tokens).
Status write_secret(const std::string& path, std::string_view text);

Status make_folders(const std::string& path);
// False too when the path cannot be examined.
bool exists(const std::string& path);

// An advisory lock on PATH.lock between processes, held until destroyed. Without a folder to make
// it in there is no lock; the write that follows fails then and says why.
class FileLock {
 public:
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace atl
