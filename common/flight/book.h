// Book: what a recorder remembers. Included by the .cc files of common/flight only.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <list>
#include <string>

#include "common/flight/recorder.h"
#include "common/flight/ring.h"

namespace atl::flight {

using Steady = std::chrono::steady_clock;

// Text of a fixed length, so that a signal handler can read it at any moment; what is longer is
// cut.
template <size_t N>
class Text {
 public:
  void set(std::string_view text) {
    const size_t length = std::min(text.size(), N - 1);
    text.copy(text_.data(), length);
    text_[length] = '\0';
  }
  std::string_view view() const { return text_.data(); }
  bool empty() const { return text_[0] == '\0'; }

 private:
  std::array<char, N> text_{};
};

// One session, or the run. Entries are chained for the signal handler.
struct Log {
  Log(Budget& budget, uint64_t id) : ring(budget), id(id) {}
  Ring ring;
  uint64_t id = 0;  // 1, 2, ... in the order in which they began; 0: the run
  Text<65> name;
  Text<56> address;
  Text<160> error;      // of the end
  uint32_t round = 0;   // that the conversation is about
  bool joined = false;  // a missed deadline is worth a dump
  bool open = true;
};

struct TurnedAway {
  uint64_t at = 0;
  Text<24> cause;
  Text<56> address;
  Text<65> name;
  Text<120> text;
};

struct Book {
  explicit Book(Options options);

  uint64_t now() const;  // microseconds since `begun`
  Log& begin(std::string_view name, std::string_view address);
  void end(Log& log);
  void push(Log& log, Way way, uint8_t what, uint64_t value = 0, uint32_t bytes = 0);
  void push_frame(Log& log, Way way, wire::FrameKind kind, ByteView payload, size_t bytes);
  void failed(Log& log, const Error& error);

  // A dump of the logs for which it is true. Never more often than `pause` when nobody asked.
  bool is_due();
  Result<std::string> dump(Cause cause, const std::string& why,
                           const std::function<bool(const Log&)>& which);
  void dump_and_tell(Cause cause, const std::string& why,
                     const std::function<bool(const Log&)>& which);

  const Options options;
  const Steady::time_point begun = Steady::now();
  Budget budget;
  Log run;
  std::list<Log> live, past;  // past: oldest first
  std::vector<TurnedAway> away;
  size_t next_away = 0;
  uint64_t last_id = 0, skipped = 0, written = 0;
  Steady::time_point last_dump{};

 private:
  void make_room(size_t bytes);
  void forget_one();
};

}  // namespace atl::flight
