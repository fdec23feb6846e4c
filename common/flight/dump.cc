#include "common/flight/dump.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "common/flight/line.h"
#include "common/wire/glimpse.h"
#include "common/wire/message.h"

namespace atl::flight {
namespace {

uint64_t wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

// Both clocks are read once for a dump: an event's time of day is as the clock stands now.
struct Clocks {
  uint64_t wall, steady;
  uint64_t wall_of(uint64_t at) const { return wall - (steady - std::min(at, steady)); }
};

std::string_view what_of(const Event& e) {
  switch (static_cast<Way>(e.way)) {
    case Way::kState:
      return to_string(static_cast<State>(e.what));
    case Way::kError:
      return to_string(static_cast<ErrorCode>(e.what));
    default:
      return e.what == 0 ? "chunk" : wire::name_of_message(e.what);
  }
}

std::string_view task_of(uint64_t kind) {
  constexpr std::string_view kKinds[] = {"wait", "initialize", "work", "done"};
  return kind < std::size(kKinds) ? kKinds[kind] : "unknown";
}

void put_value(Line& line, const Event& e) {
  const auto way = static_cast<Way>(e.way);
  const auto state = static_cast<State>(e.what);
  if (way == Way::kError) return;
  if (way == Way::kState) {
    if (state == State::kRoundOpened) line.number("clients", e.value);
    if (state == State::kRoundClosed || state == State::kRoundVoid) line.number("updates", e.value);
    if (state == State::kPostponed) line.number("ms", e.value);
    return;
  }
  switch (e.what) {  // numbers of wire.md
    case 0:
    case 7:
    case 11:
      return line.number("offset", e.value);
    case 6:
      return line.text("task", task_of(e.value));
    case 8:
      return line.number("steps", e.value);
    case 9:
      return line.text("round_is", e.value != 0 ? "open" : "closed");
    case 10:
      return line.number("update_bytes", e.value);
    case 12:
    case 13:
      return line.text("reason", wire::to_string(static_cast<wire::Reason>(e.value)));
    default:
      return;
  }
}

void put_peer(Line& line, const Log& log) {
  line.number("session", log.id);
  if (log.id == 0) return line.text("peer", "(run)");
  line.text("peer", log.name.view());
  line.text("address", log.address.view());
}

void write_log(const Log& log, const Clocks& clocks, size_t most, Sink sink) {
  constexpr std::string_view kWays[] = {"in", "out", "state", "error"};
  const size_t size = std::min(log.ring.size(), Ring::kMost);
  const size_t shown = std::min(size, most);
  Line head;
  put_peer(head, log);
  head.text("is", log.open ? "open" : "ended");
  head.number("events", size);
  head.number("forgotten", log.ring.forgotten());
  if (shown < size) head.number("left_out", size - shown);
  if (!log.error.empty()) head.text("error", log.error.view());
  sink.take(sink.to, head.finish());
  for (size_t i = size - shown; i < size; ++i) {
    const Event& e = log.ring[i];
    Line line;
    line.time("time", clocks.wall_of(e.at));
    line.seconds("t", e.at);
    put_peer(line, log);
    line.text("dir", kWays[std::min<size_t>(e.way, 3)]);
    line.text("what", what_of(e));
    if (e.way <= static_cast<uint8_t>(Way::kOut)) line.number("bytes", e.bytes);
    if (e.round != 0) line.number("round", e.round);
    put_value(line, e);
    if (e.times > 1) line.number("times", e.times);
    sink.take(sink.to, line.finish());
  }
}

void write_away(const TurnedAway& one, const Clocks& clocks, Sink sink) {
  Line line;
  line.time("time", clocks.wall_of(one.at));
  line.seconds("t", one.at);
  line.text("peer", one.name.view());
  line.text("address", one.address.view());
  line.text("dir", "door");
  line.text("what", one.cause.view());
  line.text("text", one.text.view());
  sink.take(sink.to, line.finish());
}

}  // namespace

void write_lines(const Book& book, const Heading& heading,
                 const std::function<bool(const Log&)>* which, Sink sink) {
  const Clocks clocks{wall_now(), book.now()};
  const auto picked = [which](const Log& log) { return which == nullptr || (*which)(log); };
  size_t logs = 1, events = book.run.ring.size();
  for (const auto* list : {&book.past, &book.live}) {
    for (const Log& log : *list) {
      if (!picked(log)) continue;
      ++logs;
      events += log.ring.size();
    }
  }
  const size_t most = events <= book.options.lines ? Ring::kMost : book.options.lines / logs;
  Line head;
  head.text("dump", heading.cause);
  head.text("why", heading.why);
  head.time("time", clocks.wall);
  head.seconds("t", clocks.steady);
  head.text("program", book.options.program);
  head.number("pid", static_cast<uint64_t>(::getpid()));
  head.number("open", book.live.size());
  head.number("ended", book.past.size());
  head.number("shown", logs);
  if (book.skipped > 0) head.number("skipped", book.skipped);
  sink.take(sink.to, head.finish());

  write_log(book.run, clocks, Ring::kMost, sink);
  for (size_t i = 0; which == nullptr && i < book.away.size(); ++i)
    write_away(book.away[(book.next_away + i) % book.away.size()], clocks, sink);
  for (const auto* list : {&book.past, &book.live}) {
    for (const Log& log : *list) {
      if (picked(log)) write_log(log, clocks, std::max<size_t>(most, 1), sink);
    }
  }
}

}  // namespace atl::flight
