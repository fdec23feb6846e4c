#include "common/flight/ring.h"

#include <algorithm>
#include <iterator>
#include <new>

#include "common/wire/frame.h"

namespace atl::flight {
namespace {

constexpr uint64_t kPause = 1'000'000;                             // microseconds
constexpr uint8_t kNextTask = 5, kTask = 6, kPing = 8, kPong = 9;  // wire.md

bool is_frame(const Event& e) {
  return e.way == static_cast<uint8_t>(Way::kIn) || e.way == static_cast<uint8_t>(Way::kOut);
}
bool is_chunk(const Event& e) { return is_frame(e) && e.what == 0; }

// Polls that brought nothing, and heartbeats.
bool is_routine(const Event& e) {
  if (!is_frame(e)) return false;
  return e.what == kNextTask || (e.what == kTask && e.value == 0) || e.what == kPing ||
         e.what == kPong;
}
bool is_same(const Event& a, const Event& b) {
  return a.way == b.way && a.what == b.what && a.round == b.round &&
         (a.what == kPing || a.value == b.value);
}

}  // namespace

std::string_view to_string(State state) {
  constexpr std::string_view kNames[] = {
      "connecting",   "connected",       "greeting",   "joining",  "joined",
      "uploading",    "missed_deadline", "blamed",     "closed",   "ended",
      "round_opened", "round_closed",    "round_void", "postponed"};
  static_assert(std::size(kNames) == kStates);
  const auto at = static_cast<size_t>(state);
  return at < std::size(kNames) ? kNames[at] : "unknown";
}

Ring::Ring(Budget& budget) : budget_(budget), events_(new Event[kFirst]) {
  budget_.used += memory();
}
Ring::~Ring() { budget_.used -= memory(); }

void Ring::push(const Event& event) {
  if (fold(event)) return;
  if (is_full()) grow();
  if (size_ == capacity_) {
    head_ = (head_ + 1) % capacity_;
    --size_;
    ++forgotten_;
  }
  ++size_;
  last(0) = event;
}

bool Ring::fold(const Event& event) {
  if (size_ >= 2 && is_chunk(event) && is_chunk(last(0)) && is_chunk(last(1))) {
    Event& run = last(0);
    const bool follows = run.way == event.way && run.round == event.round &&
                         run.value + run.bytes == event.value + wire::kChunkHeaderSize;
    if (follows && event.at - run.at < kPause && run.times < kMostTimes) {
      const uint64_t times = run.times + 1;
      run = event;
      run.times = times & kMostTimes;
      return true;
    }
  }
  // A pair takes the place of the one before it once there are two: the first stays as it was.
  if (size_ < 4 || !is_routine(event) || !is_routine(last(0)) || !is_same(event, last(1)))
    return false;
  const bool begun = last(1).times > 1 || last(0).times > 1;
  if (!begun && !(is_same(last(3), event) && is_same(last(2), last(0)))) return false;
  if (last(1).times >= kMostTimes) return false;
  const uint64_t times = last(1).times + 1;
  last(1) = last(0);
  last(0) = event;
  last(0).times = times & kMostTimes;
  return true;
}

bool Ring::grow() {
  const size_t more = std::min(kMost, 4 * capacity_);
  const size_t bytes = (more - capacity_) * sizeof(Event);
  if (budget_.used + bytes > budget_.limit) return false;
  std::unique_ptr<Event[]> larger(new (std::nothrow) Event[more]);
  if (larger == nullptr) return false;
  for (size_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
  budget_.used += bytes;
  // In this order, so that a dump from a signal handler reads events, if not always the right ones.
  std::swap(events_, larger);
  head_ = 0;
  capacity_ = more;
  return true;
}

}  // namespace atl::flight
