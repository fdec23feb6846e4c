#include "common/flight/book.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "common/core/file.h"
#include "common/core/log.h"
#include "common/core/utc.h"
#include "common/flight/dump.h"
#include "common/wire/glimpse.h"

namespace atl::flight {
namespace {

namespace fs = std::filesystem;

// Removes the oldest dumps until there are at most `most`.
void prune(const std::string& folder, size_t most) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".jsonl") continue;
    files.emplace_back(at->last_write_time(error), at->path());
  }
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i + most < files.size(); ++i) fs::remove(files[i].second, error);
}

}  // namespace

std::string dump_path(const std::string& folder, Cause cause, uint64_t number) {
  auto time = utc_text(std::chrono::system_clock::now());
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return folder + "/" + time + "-" + std::to_string(::getpid()) + "-" + std::to_string(number) +
         "-" + std::string(to_string(cause)) + ".jsonl";
}

Book::Book(Options given) : options(std::move(given)), budget(options.budget), run(budget, 0) {}

uint64_t Book::now() const {
  const auto since = Steady::now() - begun;
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

Log& Book::begin(std::string_view name, std::string_view address) {
  auto& log = live.emplace_back(budget, ++last_id);
  log.name.set(name);
  log.address.set(address);
  return log;
}

void Book::end(Log& log) {
  push(log, Way::kState, static_cast<uint8_t>(State::kEnded));
  log.open = false;
  const auto at = std::find_if(live.begin(), live.end(), [&](auto& one) { return &one == &log; });
  past.splice(past.end(), live, at);
  while (past.size() > options.ended) forget_one();
}

// Who only knocked goes before who took part.
void Book::forget_one() {
  const auto stranger =
      std::find_if(past.begin(), past.end(), [](auto& log) { return !log.joined; });
  past.erase(stranger == past.end() ? past.begin() : stranger);
}

void Book::make_room(size_t bytes) {
  while (budget.used + bytes > budget.limit && !past.empty()) forget_one();
}

void Book::push(Log& log, Way way, uint8_t what, uint64_t value, uint32_t bytes) {
  if (log.ring.is_full()) make_room(3 * log.ring.memory());
  Event event;
  event.at = now() & ((uint64_t{1} << 48) - 1);
  event.way = static_cast<uint8_t>(way);
  event.what = what;
  event.value = std::min(value, kMostValue) & kMostValue;
  event.bytes = bytes;
  event.round = log.round;
  log.ring.push(event);
}

void Book::push_frame(Log& log, Way way, wire::FrameKind kind, ByteView payload, size_t bytes) {
  const auto size = static_cast<uint32_t>(std::min<size_t>(bytes, UINT32_MAX));
  if (kind == wire::FrameKind::kChunk) {
    ByteView data;
    const auto header = wire::decode_chunk(payload, data);
    return push(log, way, 0, header ? header->offset : 0, size);
  }
  const auto seen = wire::glimpse(payload);
  if (seen.round != 0) log.round = seen.round;
  push(log, way, seen.message == 0 ? kAnyMessage : seen.message, seen.value, size);
}

void Book::failed(Log& log, const Error& error) {
  push(log, Way::kError, static_cast<uint8_t>(error.code()));
  log.error.set(error.message());
  if (error.code() != ErrorCode::kDeadline || !log.joined) return;
  dump_and_tell(Cause::kDeadline, std::string(log.name.view()) + ": " + error.message(),
                [&log](const Log& one) { return &one == &log; });
}

bool Book::is_due() {
  const auto now = Steady::now();
  if (last_dump != Steady::time_point{} && now - last_dump < options.pause) {
    ++skipped;
    return false;
  }
  last_dump = now;
  return true;
}

Result<std::string> Book::dump(Cause cause, const std::string& why,
                               const std::function<bool(const Log&)>& which) {
  ATOLL_TRY(make_folders(options.folder));
  std::string text;
  const auto append = [](void* to, std::string_view line) {
    static_cast<std::string*>(to)->append(line);
  };
  write_lines(*this, {to_string(cause), why}, which ? &which : nullptr, {append, &text});
  const auto path = dump_path(options.folder, cause, ++written);
  ATOLL_TRY(write_replace(path, text));
  prune(options.folder, options.dumps);
  skipped = 0;
  return path;
}

void Book::dump_and_tell(Cause cause, const std::string& why,
                         const std::function<bool(const Log&)>& which) {
  if (cause == Cause::kDeadline && !is_due()) return;
  const auto path = dump(cause, why, which);
  if (path)
    log::warn("flight", why + "; what happened before is in " + *path);
  else
    log::error("flight", "cannot write the last events: " + path.error().message());
}

}  // namespace atl::flight
