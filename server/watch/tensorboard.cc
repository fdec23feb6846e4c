#include "server/watch/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/core/file.h"
#include "common/core/log.h"
#include "tensorboard.pb.h"

namespace atl::server {
namespace {

using nlohmann::json;

constexpr size_t kPiece = 1 << 20;  // bytes of metrics.jsonl at once
constexpr std::chrono::seconds kEvery{1};

std::string little_endian(uint64_t value, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string record(const tensorboard::Event& event) {
  const auto data = event.SerializeAsString();
  const auto length = little_endian(data.size(), 8);
  return length + little_endian(masked_crc32c(length), 4) + data +
         little_endian(masked_crc32c(data), 4);
}

double seconds_of(const std::string& utc) {  // "2026-01-31T12:00:00Z"
  std::tm time{};
  return ::strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time) == nullptr
             ? 0
             : static_cast<double>(::timegm(&time));
}

std::string text_in(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

// Where each number of a line goes.
struct Scalar {
  const char *event, *field, *tag;
};
constexpr Scalar kScalars[] = {
    {"evaluation", "accuracy", "accuracy/test"}, {"evaluation", "loss", "loss/test"},
    {"round", "train_loss", "loss/training"},    {"round", "seconds", "round/seconds"},
    {"round", "clients", "round/clients"},       {"round", "update_norm", "round/update_norm"},
    {"round", "bytes_down", "round/bytes_down"}, {"round", "bytes_up", "round/bytes_up"},
};

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
      made[i] = value;
    }
    return made;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8u;
}

std::string tensorboard_head(double wall_time) {
  tensorboard::Event event;
  event.set_wall_time(wall_time);
  event.set_file_version("brain.Event:2");
  return record(event);
}

std::string tensorboard_events(std::string_view lines) {
  std::string records;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    const auto line = json::parse(lines.substr(0, end), nullptr, false);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!line.is_object() || !line.contains("round") || !line["round"].is_number()) continue;
    const auto kind = text_in(line, "event");
    tensorboard::Event event;
    for (const auto& scalar : kScalars) {
      if (kind != scalar.event || !line.contains(scalar.field)) continue;
      const auto& number = line[scalar.field];
      auto* value = event.mutable_summary()->add_value();
      value->set_tag(scalar.tag);
      // A loss that was not finite is null in the file.
      value->set_simple_value(number.is_number() ? number.get<float>()
                                                 : std::numeric_limits<float>::quiet_NaN());
    }
    if (!event.has_summary()) continue;
    event.set_step(line["round"].get<int64_t>());
    event.set_wall_time(seconds_of(text_in(line, "time")));
    records += record(event);
  }
  return records;
}

Result<std::unique_ptr<TensorBoardMirror>> TensorBoardMirror::start(const std::string& run) {
  const auto folder = run + "/tensorboard";
  ATOLL_TRY(make_folders(folder));
  std::error_code ignored;
  for (const auto& old : std::filesystem::directory_iterator(folder, ignored)) {
    if (old.path().filename().string().rfind("events.out.tfevents.", 0) == 0)
      std::filesystem::remove(old.path(), ignored);
  }
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto file =
      folder + "/events.out.tfevents." + std::to_string(static_cast<int64_t>(now)) + ".atoll";
  ATOLL_TRY(write_atomic(file, tensorboard_head(now)));
  std::unique_ptr<TensorBoardMirror> mirror(new TensorBoardMirror(run + "/metrics.jsonl", file));
  mirror->thread_ = std::thread([raw = mirror.get()] { raw->follow(); });
  return mirror;
}

TensorBoardMirror::~TensorBoardMirror() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  over_changed_.notify_all();
  thread_.join();
}

void TensorBoardMirror::follow() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      last = over_changed_.wait_for(lock, kEvery, [this] { return over_; });
    }
    const auto done = catch_up();
    if (!done && !told_) log::error("tensorboard", done.error().message());
    told_ = !done;
  }
}

Status TensorBoardMirror::catch_up() {
  for (;;) {
    std::ifstream metrics(metrics_, std::ios::binary);
    metrics.seekg(static_cast<std::streamoff>(read_));
    std::string lines(kPiece, '\0');
    metrics.read(lines.data(), static_cast<std::streamsize>(lines.size()));
    lines.resize(static_cast<size_t>(std::max<std::streamsize>(0, metrics.gcount())));
    const auto whole = lines.rfind('\n');
    if (whole == std::string::npos) return {};
    lines.resize(whole + 1);
    const auto records = tensorboard_events(lines);
    const int fd = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return errno_error("cannot open " + file_, errno);
    const off_t end = ::lseek(fd, 0, SEEK_END);
    const auto written = ::write(fd, records.data(), records.size());
    const int saved = written < 0 ? errno : ENOSPC;
    const bool good = written == static_cast<ssize_t>(records.size());
    // Half a record would hide all that follow.
    if (!good && end >= 0 && ::ftruncate(fd, end) != 0)
      log::error("tensorboard", file_ + " is cut");
    ::close(fd);
    if (!good) return errno_error("cannot write " + file_, saved);
    read_ += lines.size();
  }
}

}  // namespace atl::server
