#include "experiments/report/metrics_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/file.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::json;
constexpr size_t kLongestLine = 1 << 20;
constexpr size_t kPiece = 1 << 20;

// Typed looks at one object: a field that is missing or of another type is absent.
MaybeNumber number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return {};
  const double value = found->get<double>();
  return std::isfinite(value) ? MaybeNumber(value) : MaybeNumber();
}
uint64_t count(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}
std::string text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

MaybeNumber accuracy(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return {};
  const uint64_t examples = count(*found, "examples"), correct = count(*found, "correct");
  if (examples == 0 || correct > examples) return {};
  return static_cast<double>(correct) / static_cast<double>(examples);
}

// A server that resumes from an older checkpoint does the rounds after it again.
template <typename Line>
void put(std::vector<Line>& lines, Line line) {
  while (!lines.empty() && lines.back().round >= line.round) lines.pop_back();
  lines.push_back(std::move(line));
}

bool take(MetricsLog& log, const Json& object) {
  const auto event = text(object, "event");
  const auto found = object.find("round");
  if (event.empty() || found == object.end() || !found->is_number_unsigned() ||
      found->get<uint64_t>() > UINT32_MAX) {
    return false;
  }
  const auto round = found->get<uint32_t>();
  if (event == "round") {
    const auto seconds = number(object, "seconds");
    if (!seconds) return false;
    put(log.rounds, RoundLine{round, *seconds, count(object, "clients"), count(object, "examples"),
                              number(object, "train_loss"), number(object, "update_norm"),
                              count(object, "bytes_down"), count(object, "bytes_up"),
                              text(object, "model_sha256")});
  } else if (event == "evaluation") {
    const auto share = number(object, "accuracy");
    if (!share || *share < 0 || *share > 1) return false;
    put(log.evaluations, EvaluationLine{round, count(object, "examples"), count(object, "correct"),
                                        *share, number(object, "loss")});
  } else if (event == "client") {
    const auto name = text(object, "client");
    if (name.empty()) return false;
    put(log.clients[name],
        ClientLine{round, count(object, "examples"), number(object, "train_loss"),
                   number(object, "update_norm"), number(object, "seconds"),
                   count(object, "bytes_down"), count(object, "bytes_up"),
                   accuracy(object, "before"), accuracy(object, "after")});
  } else if (event == "refused") {
    log.refusals.push_back({round, text(object, "client"), text(object, "reason")});
  } else {
    ++log.other_lines;
  }
  const auto time = text(object, "time");
  if (!time.empty()) {
    if (log.first_time.empty()) log.first_time = time;
    log.last_time = time;
  }
  return true;
}

}  // namespace

void MetricsReader::line(std::string_view text) {
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (text.empty() && !too_long_) return;
  ++log_.lines;
  const auto object = too_long_ ? Json() : Json::parse(text, nullptr, false);
  too_long_ = false;
  if (!object.is_object() || !take(log_, object)) ++log_.damaged_lines;
}

void MetricsReader::feed(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    const auto part = piece.substr(0, end);
    if (rest_.size() + part.size() > kLongestLine) {
      too_long_ = true;
      rest_.clear();
    }
    if (!too_long_) rest_ += part;
    if (end == std::string_view::npos) return;
    line(rest_);
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
}

MetricsLog MetricsReader::finish() {
  line(rest_);
  return std::move(log_);
}

Result<MetricsLog> read_metrics(const std::string& path) {
  ATOLL_ASSIGN(const auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  MetricsReader reader;
  std::string piece;
  for (uint64_t offset = 0; offset < size; offset += piece.size()) {
    piece.resize(std::min<uint64_t>(kPiece, size - offset));
    ATOLL_TRY(file.read_at(offset, std::as_writable_bytes(std::span(piece))));
    reader.feed(piece);
  }
  return reader.finish();
}

}  // namespace atl::workbench
