#include "client/kept_update.h"

#include <unistd.h>

#include "common/core/file.h"

namespace atl::client {
namespace {

std::string path_in(const std::string& folder) { return folder + "/update.safetensors"; }

}  // namespace

Digest key_of(const wire::Hello& client, const wire::Task& task) {
  Sha256 hash;
  hash.update(wire::encode(client));
  hash.update(wire::encode(task));
  return hash.finish();
}

Result<KeptUpdate> KeptUpdate::save(const std::string& folder, const Digest& key,
                                    const wire::Offer& offer, const Trainer& trainer) {
  ATOLL_TRY(make_folders(folder));
  Metadata metadata{{"atoll.answers", hex(key)}, {"atoll.offer", to_hex(wire::encode(offer))}};
  auto fill = [&trainer](uint64_t offset, MutableByteView out) {
    return trainer.read(offset, out);
  };
  ATOLL_ASSIGN(const auto digest, write_safetensors(path_in(folder), trainer.manifest(),
                                                    std::move(metadata), fill, "client.keep"));
  (void)digest;
  ATOLL_ASSIGN(auto file, SafetensorsFile::open(path_in(folder)));
  return KeptUpdate(std::move(file), offer);
}

std::optional<KeptUpdate> KeptUpdate::load(const std::string& folder, const Digest& key,
                                           const Manifest& manifest) {
  auto file = SafetensorsFile::open(path_in(folder));
  if (!file || file->manifest().digest() != manifest.digest()) return std::nullopt;
  const auto& said = file->metadata();
  const auto answers = said.find("atoll.answers");
  const auto kept = said.find("atoll.offer");
  if (answers == said.end() || answers->second != hex(key) || kept == said.end())
    return std::nullopt;
  const auto bytes = from_hex(kept->second);
  if (!bytes) return std::nullopt;
  auto message = wire::decode(*bytes);
  auto* offer = message ? std::get_if<wire::Offer>(&*message) : nullptr;
  if (offer == nullptr || !file->verify()) return std::nullopt;
  return KeptUpdate(std::move(*file), std::move(*offer));
}

void KeptUpdate::remove(const std::string& folder) { ::unlink(path_in(folder).c_str()); }

}  // namespace atl::client
