#include "server/round.h"

#include <algorithm>

namespace atl::server {
namespace {

bool is_open(const Participant& p) { return p.phase != Phase::kDone && p.phase != Phase::kFailed; }

}  // namespace

void Round::add(const std::string& client, bool train, bool evaluate) {
  Participant participant;
  participant.train = train;
  participant.evaluate = evaluate;
  participant.last_progress = std::chrono::steady_clock::now();
  enter(participant, Phase::kWaiting);
  participants_[client] = std::move(participant);
}

const wire::Task* Round::task_for(const std::string& client) {
  if (number_ == 0 && participants_.empty()) return &task_;
  Participant* participant = active(client);
  if (participant == nullptr) return nullptr;
  scratch_ = task_;
  scratch_.train = participant->train;
  scratch_.evaluate = participant->evaluate;
  return &scratch_;
}

Participant* Round::active(const std::string& client) {
  auto found = participants_.find(client);
  return found == participants_.end() || !is_open(found->second) ? nullptr : &found->second;
}

void Round::enter(Participant& participant, Phase phase) {
  auto& at = participant.entered[static_cast<size_t>(phase)];
  if (phase == Phase::kWaiting) participant.entered = {};
  if (phase != participant.phase || phase == Phase::kWaiting) at = std::chrono::steady_clock::now();
  participant.phase = phase;
}

void Round::progress(Participant& participant, Phase phase) {
  enter(participant, phase);
  if (phase == Phase::kWaiting) {
    // It begins anew: steps are counted from 0 again.
    ++participant.handouts;
    participant.steps_done = 0;
  }
  // Beginning over and over again is no progress; bytes of an update always are, for they resume.
  const bool anew = phase == Phase::kWaiting || phase == Phase::kFetching;
  if (anew && participant.handouts > kMaxHandouts) return;
  participant.last_progress = std::chrono::steady_clock::now();
  participant.missed = false;
}

void Round::done(Participant& participant) {
  enter(participant, Phase::kDone);
  changed_.notify();
}

void Round::fail(Participant& participant) {
  enter(participant, Phase::kFailed);
  participant.upload.reset();
  changed_.notify();
}

void Round::close() {
  for (auto& [name, p] : participants_)
    if (is_open(p)) fail(p);
}

void Round::postpone(std::chrono::steady_clock::duration by) {
  for (auto& [name, p] : participants_) p.last_progress += by;
}

void Round::expel(const std::string& client) {
  if (participants_.erase(client) != 0) changed_.notify();
}

Round::Count Round::count(bool train, std::chrono::milliseconds patience) const {
  Count count;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [name, p] : participants_) {
    if (p.train != train) continue;
    if (p.phase == Phase::kDone)
      ++count.done;
    else if (p.phase == Phase::kFailed)
      ++count.failed;
    else if (now - p.last_progress > patience)
      ++count.stalled;
    else
      ++count.open;
  }
  return count;
}

std::vector<std::string> Round::take_late(std::chrono::milliseconds patience) {
  std::vector<std::string> names;
  const auto now = std::chrono::steady_clock::now();
  for (auto& [name, p] : participants_) {
    if (!is_open(p) || p.missed || now - p.last_progress <= patience) continue;
    p.missed = true;
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> Round::unfinished() const {
  std::vector<std::string> names;
  for (const auto& [name, p] : participants_)
    if (is_open(p)) names.push_back(name);
  return names;
}

std::chrono::milliseconds Round::until_next_deadline(std::chrono::milliseconds patience) const {
  auto next = patience;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [name, p] : participants_) {
    if (!is_open(p)) continue;
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(p.last_progress + patience - now);
    if (left.count() >= 0) next = std::min(next, left);
  }
  return next + std::chrono::milliseconds(1);
}

}  // namespace atl::server
