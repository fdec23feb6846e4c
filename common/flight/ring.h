// Ring: the last events of one session, 1,024 at most. It begins with room for 16 and grows
// fourfold, three times at most, so that a session on which little happens stays small. Nothing
// else allocates.
//
// What repeats itself is kept once, with the number of times, or it would push out what matters: a
// 256 MB model is a thousand chunks, and a client without work asks for some 240 times an hour.
// - Pieces of a transfer follow each other in one event, from the second on. A pause of a second
//   begins a new one.
// - A request for work that is answered by "wait", and a heartbeat with its answer, from the second
//   pair in a row on.
#pragma once

#include <cstddef>
#include <memory>

#include "common/flight/event.h"

namespace atl::flight {

// Bytes that all rings of a process may take together.
struct Budget {
  explicit Budget(size_t limit) : limit(limit) {}
  size_t limit, used = 0;
};

class Ring {
 public:
  static constexpr size_t kFirst = 16, kMost = 1024;

  // The first 16 events are always granted; a ring that may not grow forgets its oldest instead.
  explicit Ring(Budget& budget);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void push(const Event& event);

  size_t size() const { return size_; }
  const Event& operator[](size_t i) const { return events_[(head_ + i) % capacity_]; }  // 0: oldest
  // Events that had to make room.
  uint64_t forgotten() const { return forgotten_; }
  size_t memory() const { return capacity_ * sizeof(Event); }
  // The next new event needs more memory.
  bool is_full() const { return size_ == capacity_ && capacity_ < kMost; }

 private:
  Event& last(size_t back) { return events_[(head_ + size_ - 1 - back) % capacity_]; }
  bool fold(const Event& event);
  bool grow();
  Budget& budget_;
  std::unique_ptr<Event[]> events_;
  size_t capacity_ = kFirst, head_ = 0, size_ = 0;
  uint64_t forgotten_ = 0;
};

}  // namespace atl::flight
