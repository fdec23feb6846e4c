#include "client/local_state.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "common/core/file.h"
#include "common/core/log.h"
#include "common/tensor/safetensors.h"

namespace atl::client {
namespace {

constexpr std::string_view kPrefix = "round-", kSuffix = ".safetensors";

std::string name_of(uint32_t round) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%06u", round);
  return std::string(kPrefix) + digits + std::string(kSuffix);
}

std::optional<uint32_t> round_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const auto* first = name.data() + kPrefix.size();
  const auto* last = name.data() + name.size() - kSuffix.size();
  uint32_t round = 0;
  const auto [stop, status] = std::from_chars(first, last, round);
  return status == std::errc() && stop == last && first != last ? std::optional(round)
                                                                : std::nullopt;
}

// The rounds that are not needed any more once `saved` is there: all after it, which belong to a
// run that is over, and all but the newest before it.
template <typename ByRound>
std::vector<uint32_t> superfluous(const ByRound& rounds, uint32_t saved) {
  std::vector<uint32_t> before, gone;
  for (const auto& [round, value] : rounds) {
    if (round < saved) before.push_back(round);
    if (round > saved) gone.push_back(round);
  }
  if (!before.empty()) gone.insert(gone.end(), before.begin(), before.end() - 1);
  return gone;
}

}  // namespace

std::map<uint32_t, std::string> LocalState::files() const {
  std::map<uint32_t, std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (const auto round = round_of(entry.path().filename().string()))
      found[*round] = entry.path().string();
  }
  return found;
}

std::optional<Bytes> LocalState::read(uint32_t round, const std::string& owner,
                                      const Manifest& tensors) {
  const auto path = folder_ + "/" + name_of(round);
  auto file = SafetensorsFile::open(path);
  auto whole = file ? file->verify() : Status(Error(file.error().code(), file.error().message()));
  Bytes flat(tensors.total_bytes());
  if (whole) {
    const auto& said = file->metadata();
    const auto whose = said.find("atoll.owner");
    if (whose == said.end() || whose->second != owner ||
        file->manifest().digest() != tensors.digest())
      return std::nullopt;
    whole = file->read_flat(0, flat);
  }
  if (whole) return flat;
  log::warn("client", "local tensors are lost: " + path + ": " + whole.error().message());
  return std::nullopt;
}

std::optional<Bytes> LocalState::before(uint32_t round, const std::string& owner,
                                        const Manifest& tensors) {
  if (folder_.empty()) {
    for (auto at = held_.lower_bound(round); at != held_.begin();) {
      const auto& held = (--at)->second;
      if (held.owner == owner && held.manifest == tensors.digest()) return held.flat;
    }
    return std::nullopt;
  }
  const auto found = files();
  for (auto at = found.lower_bound(round); at != found.begin();) {
    if (auto flat = read((--at)->first, owner, tensors)) return flat;
  }
  return std::nullopt;
}

Status LocalState::save(uint32_t round, const std::string& owner, const Manifest& tensors,
                        ByteView flat) {
  if (folder_.empty()) {
    held_[round] = {owner, tensors.digest(), Bytes(flat.begin(), flat.end())};
    for (const uint32_t old : superfluous(held_, round)) held_.erase(old);
    return {};
  }
  ATOLL_TRY(make_folders(folder_));
  Metadata metadata{{"atoll.owner", owner}};
  ATOLL_ASSIGN(const auto digest, write_safetensors(folder_ + "/" + name_of(round), tensors,
                                                    std::move(metadata), flat));
  (void)digest;
  const auto found = files();
  for (const uint32_t old : superfluous(found, round)) ::unlink(found.at(old).c_str());
  return {};
}

}  // namespace atl::client
