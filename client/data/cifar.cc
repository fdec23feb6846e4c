#include "client/data/cifar.h"

#include "client/data/compressed.h"

namespace atl::data {

Dataset empty_cifar(const std::string& name) {
  Dataset set;
  set.name = name;
  set.shape = {3, 32, 32};
  set.classes = kCifarClasses;
  return set;
}

Status append_cifar(Dataset& set, ByteView file, const std::string& name) {
  if (file.empty()) return bad_file(name, "is empty");
  const size_t records = file.size() / kCifarRecord;
  if (const size_t rest = file.size() % kCifarRecord; rest != 0)
    return bad_file(name, "is truncated, or no CIFAR-10 file: " + std::to_string(file.size()) +
                              " bytes are " + std::to_string(records) + " records of " +
                              std::to_string(kCifarRecord) + " bytes and " + std::to_string(rest) +
                              " more");
  for (size_t i = 0; i < records; ++i) {
    const auto label = std::to_integer<uint32_t>(file[i * kCifarRecord]);
    if (label >= kCifarClasses)
      return bad_file(name, "label " + std::to_string(label) + " of record " + std::to_string(i) +
                                " is not below " + std::to_string(kCifarClasses));
  }
  set.labels.reserve(set.labels.size() + records);
  set.bytes.reserve(set.bytes.size() + records * kCifarPixels);
  const auto* bytes = reinterpret_cast<const uint8_t*>(file.data());
  for (size_t i = 0; i < records; ++i, bytes += kCifarRecord) {
    set.labels.push_back(bytes[0]);
    set.bytes.insert(set.bytes.end(), bytes + 1, bytes + kCifarRecord);
  }
  return {};
}

Result<Dataset> read_cifar(const std::vector<std::string>& paths) {
  Dataset set = empty_cifar(paths.empty() ? "cifar" : paths.front());
  for (const auto& path : paths) {
    ATOLL_ASSIGN(auto content, read_content(path));
    ATOLL_TRY(append_cifar(set, content, path));
  }
  return set;
}

}  // namespace atl::data
