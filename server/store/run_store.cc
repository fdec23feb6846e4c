#include "server/store/run_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "common/core/fault.h"
#include "common/core/log.h"
#include "common/core/transfer_hash.h"

namespace atl::server {
namespace fs = std::filesystem;
namespace {

// Rounds that have a checkpoint file, newest first.
std::vector<uint32_t> rounds_on_disk(const std::string& folder) {
  std::vector<uint32_t> rounds;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder + "/checkpoints", ignored)) {
    unsigned round = 0;
    int used = 0;
    const auto name = entry.path().filename().string();
    if (std::sscanf(name.c_str(), "round-%u.safetensors%n", &round, &used) == 1 &&
        static_cast<size_t>(used) == name.size()) {
      rounds.push_back(round);
    }
  }
  std::sort(rounds.rbegin(), rounds.rend());
  return rounds;
}

// The end of a file of lines, behind a line break; a break alone when it cannot be read.
std::string read_tail(const std::string& path, uint64_t most) {
  auto file = File::open_read(path);
  if (!file) return "\n";
  const auto size = file->size();
  if (!size) return "\n";
  const uint64_t from = *size > most ? *size - most : 0;
  std::string text(*size - from, '\0');
  if (!file->read_at(from, std::as_writable_bytes(std::span(text)))) return "\n";
  return "\n" + text;
}

Result<Digest> read_transfer_digest(const SafetensorsFile& file) {
  TransferHash hash;
  Bytes piece;
  const uint64_t total = file.manifest().total_bytes();
  for (uint64_t offset = 0; offset < total; offset += piece.size()) {
    piece.resize(std::min<uint64_t>(1 << 20, total - offset));
    ATOLL_TRY(file.read_flat(offset, piece));
    hash.update(piece);
  }
  return hash.finish();
}

}  // namespace

Result<std::unique_ptr<RunStore>> RunStore::open(const std::string& folder,
                                                 const std::string& config_toml, uint32_t keep) {
  std::unique_ptr<RunStore> store(new RunStore);
  store->folder_ = folder;
  store->keep_ = std::max(1u, keep);
  store->config_sha256_ = hex(sha256(as_bytes(config_toml)));
  ATOLL_TRY(make_folders(folder + "/checkpoints"));
  std::error_code ignored;
  fs::remove_all(folder + "/uploads", ignored);
  ATOLL_TRY(make_folders(folder + "/uploads"));
  store->spool_ = std::make_shared<Spool>(folder + "/uploads");

  const std::string config_path = folder + "/config.toml";
  if (exists(config_path)) {
    ATOLL_ASSIGN(auto old, read_text(config_path));
    if (old != config_toml) {
      return Error(ErrorCode::kConfig,
                   folder + " holds a run with another configuration (" + config_path + ")")
          .hint("give this run another folder, or put its old configuration back");
    }
  } else {
    ATOLL_TRY(write_atomic(config_path, config_toml));
  }

  ATOLL_ASSIGN(store->ledger_, Ledger::open(folder + "/ledger.sqlite"));
  ATOLL_ASSIGN(store->identity_, store->ledger_->identity());
  ATOLL_TRY(store->recover());
  return store;
}

// Finds the model to go on from, and makes ledger, checkpoints and metrics agree.
Status RunStore::recover() {
  ATOLL_ASSIGN(const auto committed, ledger_->committed());
  for (uint32_t round : rounds_on_disk(folder_)) {
    // Written, but the server died before it was committed.
    if (committed && round > *committed) continue;
    auto current = make_current(round, std::nullopt);
    if (current) break;
    log::error("store", "checkpoint of round " + std::to_string(round) +
                            " is damaged and passed over: " + current.error().message());
  }
  if (committed && (!has_model() || round_ < *committed)) {
    const uint32_t first = has_model() ? round_ + 1 : 0;
    log::error("store", "the models of rounds " + std::to_string(first) + " to " +
                            std::to_string(*committed) + " are lost: these rounds are done again");
    ATOLL_TRY(ledger_->lose_from(first));
  }
  // A folder whose ledger was taken away: what the checkpoints say is all that is known.
  if (!committed && has_model()) ATOLL_TRY(ledger_->commit({.round = round_, .model = digest_}));

  ATOLL_ASSIGN(const auto lines, ledger_->undelivered());
  if (lines.empty()) return {};
  // The server died between the commit and its lines, or just after them.
  const std::string last = read_tail(folder_ + "/metrics.jsonl", 16 << 20);
  std::string missing;
  for (const auto& line : lines)
    if (last.find("\n" + line + "\n") == std::string::npos) missing += line + "\n";
  if (!missing.empty()) ATOLL_TRY(append(missing));
  ledger_->delivered();
  return {};
}

void RunStore::deliver_lines() {
  auto lines = ledger_->undelivered();
  if (!lines) return log::error("store", lines.error().message());
  std::string text;
  for (const auto& line : *lines) text += line + "\n";
  if (text.empty()) return;
  auto appended = append(text);
  if (!appended) return log::error("store", appended.error().message());
  ledger_->delivered();
}

std::string RunStore::checkpoint_path(uint32_t round) const {
  char name[48];
  std::snprintf(name, sizeof(name), "/checkpoints/round-%06u.safetensors", round);
  return folder_ + name;
}

Status RunStore::make_current(uint32_t round, std::optional<Digest> digest) {
  const auto path = checkpoint_path(round);
  ATOLL_ASSIGN(auto file, SafetensorsFile::open(path));
  const auto& metadata = file.metadata();
  // A model that was written a moment ago is not read again: it may be gigabytes.
  if (!digest) {
    ATOLL_ASSIGN(digest, file.data_digest());
    ATOLL_ASSIGN(written_, read_transfer_digest(file));
  }
  auto hash = metadata.find("data_sha256");
  if (hash == metadata.end() || hash->second != hex(*digest))
    return Error(ErrorCode::kModel, path + ": its data do not have the hash in its header");
  auto said = metadata.find("round");
  if (!file.is_flat() || said == metadata.end() || said->second != std::to_string(round)) {
    return Error(ErrorCode::kModel,
                 path + " is not a checkpoint of round " + std::to_string(round));
  }
  digest_ = *digest;
  transfer_digest_ = written_;
  model_ = std::make_shared<const SafetensorsFile>(std::move(file));
  round_ = round;
  path_ = path;
  return {};
}

Result<Digest> RunStore::write_checkpoint(uint32_t round, const Manifest& manifest,
                                          const FlatSource& fill) {
  ATOLL_TRY(fault::point("checkpoint.write"));
  Metadata metadata{
      {"format", "pt"}, {"atoll.config_sha256", config_sha256_}, {"round", std::to_string(round)}};
  TransferHash hash;
  auto hashed = [&](uint64_t offset, MutableByteView out) -> Status {
    ATOLL_TRY(fill(offset, out));
    hash.update(out);
    return {};
  };
  auto digest = write_safetensors(checkpoint_path(round), manifest, std::move(metadata), hashed,
                                  "checkpoint");
  if (!digest)
    return std::move(digest).error().wrap("cannot write the checkpoint of round " +
                                          std::to_string(round));
  written_ = hash.finish();
  return digest;
}

Status RunStore::adopt(uint32_t round, const Digest& digest) {
  ATOLL_TRY(make_current(round, digest));
  auto rounds = rounds_on_disk(folder_);
  for (size_t i = keep_; i < rounds.size(); ++i) {
    std::error_code ignored;
    fs::remove(checkpoint_path(rounds[i]), ignored);
  }
  deliver_lines();
  return {};
}

Status RunStore::append_metrics(const std::string& json) { return append(json + "\n"); }

// Whole lines. What cannot be written whole is taken back, so that it can be written again.
Status RunStore::append(const std::string& lines) {
  const std::string path = folder_ + "/metrics.jsonl";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return errno_error("cannot open " + path, errno);
  // A crash or a full disk may have cut the last line: the next one still begins on its own.
  const off_t end = ::lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (end > 0 && ::pread(fd, &last, 1, end - 1) != 1) last = '\n';
  const std::string text = (last == '\n' ? "" : "\n") + lines;
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int saved = written < 0 ? errno : ENOSPC;  // what cuts a write to a file short
  const bool whole = written == static_cast<ssize_t>(text.size());
  if (!whole && end >= 0 && ::ftruncate(fd, end) != 0)
    log::error("store", path + " has a cut line");
  ::close(fd);
  if (!whole) return errno_error("cannot write " + path, saved);
  return {};
}

Status RunStore::write_status(const std::string& json) {
  return write_replace(folder_ + "/status.json", json);
}

}  // namespace atl::server
