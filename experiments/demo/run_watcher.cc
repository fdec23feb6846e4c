#include "experiments/demo/run_watcher.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/file.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::json;
using server::RunEvent;

double number(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : 0;
}

}  // namespace

void RunWatcher::poll(const std::function<void(const RunEvent&)>& tell) {
  read_status(tell);
  read_metrics(tell);
}

void RunWatcher::read_status(const std::function<void(const RunEvent&)>& tell) {
  const auto path = folder_ + "/status.json";
  if (!std::filesystem::exists(path)) return;
  auto text = read_text(path);
  if (!text || *text == last_status_) return;
  last_status_ = *text;
  const auto status = Json::parse(*text, nullptr, false);
  if (!status.is_object()) return;
  total_rounds_ = status.value("rounds", 0u);
  bytes_down_ = status.value("bytes_down", uint64_t{0});
  bytes_up_ = status.value("bytes_up", uint64_t{0});
  model_ = status.value("model", "");
  model_sha256_ = status.value("model_sha256", "");
  finished_ = status.value("state", "") == "finished";
  const auto open = status.find("open_round");
  if (open == status.end() || !open->is_object()) return;
  const auto kind =
      open->value("done", 0u) == 0 ? RunEvent::Kind::kRoundOpened : RunEvent::Kind::kProgress;
  tell({.kind = kind,
        .round = open->value("round", 0u),
        .total_rounds = total_rounds_,
        .clients = open->value("clients", size_t{0}),
        .done = open->value("done", size_t{0}),
        .bytes_down = bytes_down_,
        .bytes_up = bytes_up_});
}

void RunWatcher::read_metrics(const std::function<void(const RunEvent&)>& tell) {
  const auto path = folder_ + "/metrics.jsonl";
  if (!std::filesystem::exists(path)) return;
  auto file = File::open_read(path);
  if (!file) return;
  auto size = file->size();
  if (!size || *size <= offset_) return;
  std::string text(*size - offset_, '\0');
  if (!file->read_at(offset_, std::as_writable_bytes(std::span(text)))) return;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    offset_ += end + 1 - begin;
    const auto line = Json::parse(text.substr(begin, end - begin), nullptr, false);
    if (!line.is_object()) continue;
    const auto event = line.value("event", "");
    RunEvent out{.round = line.value("round", 0u),
                 .total_rounds = total_rounds_,
                 .bytes_down = bytes_down_,
                 .bytes_up = bytes_up_};
    if (event == "round") {
      out.kind = RunEvent::Kind::kRoundClosed;
      out.clients = out.done = line.value("clients", size_t{0});
      out.seconds = number(line, "seconds");
      out.train_loss = number(line, "train_loss");
    } else if (event == "evaluation") {
      out.kind = RunEvent::Kind::kEvaluated;
      out.accuracy = number(line, "accuracy");
      out.loss = number(line, "loss");
    } else if (event == "refused") {
      out.kind = RunEvent::Kind::kRefused;
      out.text = line.value("client", "") + ": " + line.value("reason", "");
    } else {
      continue;
    }
    tell(out);
  }
}

}  // namespace atl::workbench
