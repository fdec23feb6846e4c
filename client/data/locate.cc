#include "client/data/locate.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace atl::data {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::optional<std::string> find_file(const std::string& folder, const std::string& name) {
  std::error_code ignored;
  for (const char* ending : {"", ".gz", ".xz"}) {
    auto path = (fs::path(folder) / (name + ending)).string();
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return std::nullopt;
}

Result<std::string> locate(const SetEntry& set, const std::string& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return Error(ErrorCode::kData, "there is no folder " + folder)
        .hint("atoll data get " + set.name);
  std::string missing;
  size_t found = 0;
  // The set's own sub-folder first: names like MNIST's are shared by several sets.
  for (const auto& place : {(fs::path(folder) / set.name).string(), folder}) {
    std::string lacks;
    size_t here = 0;
    for (const auto& file : set.files) {
      if (find_file(place, file.name))
        ++here;
      else
        lacks += (lacks.empty() ? "" : ", ") + file.name;
    }
    if (lacks.empty()) return place;
    if (missing.empty() || here > found) missing = place + " lacks " + lacks + " (or .gz, .xz)";
    found = std::max(found, here);
  }
  return Error(ErrorCode::kData,
               folder + " does not hold the data set " + set.name + ": " + missing)
      .hint("atoll data get " + set.name);
}

std::string cache_folder(const SetEntry& set) {
  std::string cache = environment("ATOLL_CACHE");
  if (cache.empty()) {
    const std::string home = environment("HOME");
    cache = (home.empty() ? "/root" : home) + "/.cache/atoll";
  }
  return cache + "/data/" + set.name;
}

Result<std::string> find_folder(const SetEntry& set) {
  std::string tried;
  for (const auto& folder : {environment("ATOLL_DATA"), cache_folder(set)}) {
    if (folder.empty()) continue;
    if (auto place = locate(set, folder)) return place;
    tried += (tried.empty() ? "" : " and ") + folder;
  }
  return Error(ErrorCode::kData,
               "the data set " + set.name + " is not on this machine (looked in " + tried + ")")
      .hint("atoll data get " + set.name + "; or ATOLL_DATA=FOLDER, a folder that holds its files");
}

}  // namespace atl::data
