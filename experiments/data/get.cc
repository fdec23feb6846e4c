#include "experiments/data/get.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "client/data/compressed.h"
#include "client/data/locate.h"
#include "common/core/file.h"
#include "common/core/log.h"

extern char** environ;

namespace atl::workbench {
namespace {

using data::SetEntry;
using Json = nlohmann::ordered_json;

constexpr const char* kFetchData =
#include "fetch_data.py.inc"
    ;

std::string plan_of(const SetEntry& set, const std::string& folder) {
  Json plan;
  plan["folder"] = folder;
  for (const auto& file : set.files)
    plan["files"][file.name] = {{"bytes", file.bytes}, {"digests", file.digests}};
  plan["sources"] = Json::array();
  for (const auto& source : set.sources) {
    Json entry{{"address", source.address}, {"sha256", source.sha256}, {"bytes", source.bytes}};
    for (const auto& member : source.members)
      entry["members"].push_back({{"path", member.path}, {"file", member.file}});
    plan["sources"].push_back(std::move(entry));
  }
  return plan.dump();
}

struct Finished {
  int status = 0;
  std::string output;
};

// Runs a program of the path, with our standard error, and gathers its standard output.
Result<Finished> run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("cannot make a pipe", errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return errno_error("cannot run " + words[0], failed);
  }
  Finished finished;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(ends[0], piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    finished.output.append(piece.data(), static_cast<size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  while (finished.output.ends_with('\n')) finished.output.pop_back();
  return finished;
}

ErrorCode code_of(int status) {
  for (const auto code : {ErrorCode::kData, ErrorCode::kIo, ErrorCode::kDiskFull,
                          ErrorCode::kNetwork, ErrorCode::kInterrupted})
    if (static_cast<int>(code) == status) return code;
  return ErrorCode::kIo;
}

std::string hint_for(ErrorCode code, const SetEntry& set) {
  const std::string again = "atoll data get " + set.name;
  if (code == ErrorCode::kDiskFull)
    return "df -h; then again: " + again + " (what came whole is kept), or --folder DIR elsewhere";
  return "again: " + again + "; or with its files, from " + set.page +
         ", in a folder: ATOLL_DATA=FOLDER " + again;
}

// Puts the unpacked files of a verified set into another folder.
Status copy_unpacked(const SetEntry& set, const std::vector<data::VerifiedFile>& files,
                     const std::string& folder) {
  ATOLL_TRY(make_folders(folder));
  for (size_t i = 0; i < files.size(); ++i) {
    ATOLL_ASSIGN(const auto content, data::read_content(files[i].path, files[i].bytes));
    ATOLL_TRY(write_atomic(folder + "/" + set.files[i].name, as_text(content)));
  }
  return {};
}

Result<Got> verified(const SetEntry& set, const std::string& folder, bool downloaded) {
  ATOLL_ASSIGN(auto place, data::locate(set, folder));
  ATOLL_ASSIGN(auto files, data::verify_dataset(set.name, place));
  return Got{std::move(place), downloaded, std::move(files)};
}

}  // namespace

Status fetch_files(const SetEntry& set, const std::string& folder) {
  if (set.sources.empty())
    return Error(ErrorCode::kUnsupported, "the data set " + set.name +
                                              " cannot be downloaded: no public address has it "
                                              "in a form that Atoll reads")
        .hint("put " + set.files.front().name + " (see " + set.page +
              ") in a folder: ATOLL_DATA=FOLDER atoll data get " + set.name);
  auto finished = run_program({"python3", "-c", kFetchData, plan_of(set, folder)});
  const std::string what = "cannot download the data set " + set.name;
  if (!finished) return std::move(finished).error().wrap(what).hint("install python3");
  if (finished->status == 0) return {};
  const ErrorCode code = code_of(finished->status);
  return Error(code, finished->output.empty()
                         ? "fetch_data.py ended with status " + std::to_string(finished->status)
                         : finished->output)
      .wrap(what)
      .hint(hint_for(code, set));
}

Result<Got> get_dataset(std::string_view name, const GetOptions& options) {
  ATOLL_ASSIGN(const SetEntry* set, data::find_set(name));
  const std::string cache = data::cache_folder(*set);
  const std::string target = options.folder.empty() ? cache : options.folder;
  if (!options.folder.empty() && options.from.empty()) {
    if (auto there = verified(*set, options.folder, false)) return there;
  }
  auto found = options.from.empty() ? data::find_folder(*set) : data::locate(*set, options.from);
  if (!found && !options.from.empty()) return std::move(found).error();
  if (found) {
    auto at_hand = verified(*set, *found, false);
    if (at_hand && (options.folder.empty() || *found == options.folder)) return at_hand;
    if (at_hand) {
      ATOLL_TRY(copy_unpacked(*set, at_hand->files, target));
      return verified(*set, target, false);
    }
    if (*found != cache) return at_hand;
    log::warn("data", at_hand.error().message() + "; it is fetched again");
  }
  // Whoever named a folder should hear why it was not enough.
  if (const char* here = std::getenv("ATOLL_DATA"); !found && here != nullptr && *here != 0)
    log::info("data", data::locate(*set, here).error().message());
  ATOLL_TRY(fetch_files(*set, target));
  return verified(*set, target, true);
}

Result<std::string> find(std::string_view name) {
  ATOLL_ASSIGN(const SetEntry* set, data::find_set(name));
  return data::find_folder(*set);
}

Result<std::string> find_or_get(std::string_view name) {
  if (auto place = find(name)) return place;
  ATOLL_ASSIGN(auto got, get_dataset(name));
  return got.folder;
}

}  // namespace atl::workbench
