#include "server/admin/run_history.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/core/file.h"

namespace atl::server {
namespace {

using Json = nlohmann::json;

constexpr uint32_t kMostRounds = 1'000'000;  // as in a run's configuration

template <typename T>
T field(const Json& line, const char* name, T absent) {
  const auto found = line.find(name);
  if (found == line.end()) return absent;
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? found->get<T>() : absent;
  else
    return found->is_number() ? found->get<T>() : absent;
}

std::optional<double> maybe(const Json& line, const char* name) {
  const auto found = line.find(name);
  if (found == line.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

void add(RunHistory& history, const Json& line) {
  const auto event = field<std::string>(line, "event", "");
  const auto round = field<uint32_t>(line, "round", kMostRounds + 1);
  if (round > kMostRounds) return;
  if (event == "round") {
    history.rounds[round] = {field<std::string>(line, "model_sha256", ""),
                             field<std::string>(line, "time", ""),
                             field<uint64_t>(line, "clients", 0),
                             field<uint64_t>(line, "examples", 0), maybe(line, "train_loss")};
  } else if (event == "evaluation") {
    history.evaluations[round] = {field<uint64_t>(line, "examples", 0),
                                  field<double>(line, "accuracy", 0), maybe(line, "loss")};
  } else if (event == "client") {
    auto& client = history.clients[field<std::string>(line, "client", "?")];
    if (client.rounds.size() <= round) client.rounds.resize(round + 1);
    client.rounds[round] = true;
    client.examples = field<uint64_t>(line, "examples", 0);
  }
}

}  // namespace

uint64_t RunHistory::Client::contributed(uint32_t up_to) const {
  const auto end =
      rounds.begin() + static_cast<ptrdiff_t>(std::min<size_t>(rounds.size(), size_t{up_to} + 1));
  return static_cast<uint64_t>(std::count(rounds.begin(), end, true));
}

Result<RunHistory> read_history(const std::string& run_folder) {
  const auto path = run_folder + "/metrics.jsonl";
  if (!exists(path)) {
    return Error(ErrorCode::kUsage, run_folder + " has no committed round yet")
        .hint("run it first: atoll-server run FOLDER");
  }
  std::ifstream file(path);
  if (!file) return errno_error("cannot open " + path, errno);
  RunHistory history;
  for (std::string text; std::getline(file, text);) {
    const auto line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_object()) add(history, line);
  }
  if (file.bad()) return errno_error("cannot read " + path, errno);
  return history;
}

}  // namespace atl::server
