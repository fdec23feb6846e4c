// Round: the state of one round while it is open: who takes part, how far each is, and what came
// back. The round loop makes it and waits on it; the clients' sessions report into it. Used on the
// server's executor only.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/net/beside.h"
#include "server/store/upload.h"

namespace atl::server {

enum class Phase { kWaiting, kFetching, kTraining, kUploading, kDone, kFailed };
constexpr size_t kPhaseCount = 6;

struct Participant {
  bool train = false;
  bool evaluate = false;
  Phase phase = Phase::kWaiting;
  std::chrono::steady_clock::time_point last_progress;
  // When it entered each phase, of its present attempt; the clock's zero: it did not.
  std::array<std::chrono::steady_clock::time_point, kPhaseCount> entered{};
  uint64_t steps_done = 0;
  uint32_t handouts = 0;                   // how often it was given its task
  bool missed = false;                     // its deadline, and take_late() has told so
  std::shared_ptr<Upload> upload;          // of a trainer, once it has offered an update
  std::shared_ptr<net::Beside> appending;  // where the upload's pieces are taken in
  wire::TrainReport report;
  uint64_t bytes_down = 0, bytes_up = 0;
};

class Round {
 public:
  // Round 0 makes the initial model: whoever asks first is asked to draw it.
  // `manifest` is the model's; null in round 0 until an offer brings it.
  Round(asio::any_io_executor executor, uint32_t number, wire::Task task,
        std::shared_ptr<const Manifest> manifest)
      : number_(number),
        task_(std::move(task)),
        manifest_(std::move(manifest)),
        changed_(std::move(executor)) {}

  void add(const std::string& client, bool train, bool evaluate);

  uint32_t number() const { return number_; }
  std::chrono::steady_clock::time_point begun() const { return begun_; }
  // What this client has to do now; nullptr when nothing (any more).
  const wire::Task* task_for(const std::string& client);
  // Null when the client does not take part, or not any more.
  Participant* active(const std::string& client);
  const std::map<std::string, Participant>& participants() const { return participants_; }

  // A client that keeps losing its work (a crash that a supervisor answers with a restart) may
  // begin this often; then fetching the model again no longer moves its deadline, so that it cannot
  // hold the round open for ever.
  static constexpr uint32_t kMaxHandouts = 5;
  // The client is alive and got further; moves its deadline. kWaiting: it was given its task.
  void progress(Participant& participant, Phase phase);
  void done(Participant& participant);
  void fail(Participant& participant);
  // Nothing more is taken in: whoever has not ended by now is out of this round, and an update that
  // was on its way will be told that it came too late.
  void close();
  // Nobody waits for it or counts on it any more, the quorum included.
  void expel(const std::string& client);

  struct Count {
    size_t done = 0, failed = 0, stalled = 0,
           open = 0;  // of trainers; stalled: no progress for `patience`
  };
  Count trainers(std::chrono::milliseconds patience) const { return count(true, patience); }
  Count evaluators(std::chrono::milliseconds patience) const { return count(false, patience); }
  // Who has missed its deadline since this was last asked, by name.
  std::vector<std::string> take_late(std::chrono::milliseconds patience);
  // Who takes part and is neither done nor out, by name.
  std::vector<std::string> unfinished() const;
  // How long until the next open participant counts as stalled.
  std::chrono::milliseconds until_next_deadline(std::chrono::milliseconds patience) const;

  const std::shared_ptr<const Manifest>& manifest() const { return manifest_; }
  void set_manifest(std::shared_ptr<const Manifest> manifest) { manifest_ = std::move(manifest); }
  // Moves every deadline, by a time in which nobody could be heard.
  void postpone(std::chrono::steady_clock::duration by);
  net::Event& changed() { return changed_; }

 private:
  Count count(bool train, std::chrono::milliseconds patience) const;
  void enter(Participant& participant, Phase phase);
  uint32_t number_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  wire::Task task_, scratch_;
  std::shared_ptr<const Manifest> manifest_;
  std::map<std::string, Participant> participants_;
  net::Event changed_;
};

}  // namespace atl::server
