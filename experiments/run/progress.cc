#include "experiments/run/progress.h"

#include <unistd.h>

#include <cmath>
#include <limits>

#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

using server::RunEvent;

std::string format(const char* pattern, auto... values) {
  char text[256];
  std::snprintf(text, sizeof(text), pattern, values...);
  return text;
}

std::string bytes(uint64_t count) { return human_bytes(static_cast<double>(count)); }

std::string bar(uint32_t done, uint32_t total) {
  constexpr uint32_t kWidth = 20;
  const uint32_t filled = total == 0 ? 0 : std::min(kWidth, done * kWidth / total);
  std::string text;
  for (uint32_t i = 0; i < kWidth; ++i) text += i < filled ? "█" : "░";
  return text;
}

}  // namespace

Progress::Progress(std::FILE* out)
    : out_(out),
      terminal_(::isatty(::fileno(out)) != 0),
      begun_(std::chrono::steady_clock::now()),
      accuracy_(std::numeric_limits<double>::quiet_NaN()),
      loss_(accuracy_),
      train_loss_(accuracy_) {}

std::string Progress::eta(const RunEvent& event) const {
  const uint32_t here = closed_ >= first_round_ ? closed_ - first_round_ + 1 : 0;
  if (first_round_ == 0 || here == 0 || closed_ >= event.total_rounds) return "";
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun_;
  return ", " + human_seconds(spent.count() / here * (event.total_rounds - closed_)) + " left";
}

void Progress::show(const RunEvent& event) {
  const bool of_a_round = event.kind == RunEvent::Kind::kRoundOpened ||
                          event.kind == RunEvent::Kind::kProgress ||
                          event.kind == RunEvent::Kind::kRoundClosed;
  if (of_a_round && first_round_ == 0 && event.round > 0 && event.round <= event.total_rounds) {
    first_round_ = event.round;
    begun_ = std::chrono::steady_clock::now();
  }
  switch (event.kind) {
    case RunEvent::Kind::kRoundOpened:
    case RunEvent::Kind::kProgress:
      return redraw(event);
    case RunEvent::Kind::kRefused:
      return line("refused: " + event.text);
    case RunEvent::Kind::kEvaluated:
      accuracy_ = event.accuracy;
      loss_ = event.loss;
      if (!terminal_ || event.round == event.total_rounds) {
        line(format("  model of round %u: test accuracy %.4f, loss %.4f", event.round,
                    event.accuracy, event.loss));
      }
      return;
    case RunEvent::Kind::kRoundClosed:
      closed_ = event.round;
      train_loss_ = event.train_loss;
      if (terminal_) return redraw(event);
      return line(format("round %u of %u: %zu updates, training loss %.4f, %.2f s, %s down, %s up",
                         event.round, event.total_rounds, event.done, event.train_loss,
                         event.seconds, bytes(event.bytes_down).c_str(),
                         bytes(event.bytes_up).c_str()) +
                  eta(event));
    case RunEvent::Kind::kClients:
    case RunEvent::Kind::kFinished:
      return;
  }
}

void Progress::redraw(const RunEvent& event) {
  if (!terminal_ || event.round > event.total_rounds) return;
  auto text =
      format("\r\x1b[K%s round %u of %u, %zu of %zu clients done, %s down, %s up",
             bar(closed_, event.total_rounds).c_str(), event.round, event.total_rounds, event.done,
             event.clients, bytes(event.bytes_down).c_str(), bytes(event.bytes_up).c_str());
  if (!std::isnan(accuracy_)) text += format(", accuracy %.4f", accuracy_);
  std::fputs((text + eta(event)).c_str(), out_);
  std::fflush(out_);
}

void Progress::line(const std::string& text) {
  std::fputs(((terminal_ ? "\r\x1b[K" : "") + text + "\n").c_str(), out_);
  std::fflush(out_);
}

}  // namespace atl::workbench
