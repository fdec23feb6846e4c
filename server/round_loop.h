// The path of a round, from choosing its clients to committing its model. Start reading Atoll here.
#pragma once

#include <string>
#include <vector>

#include "server/aggregation/policy.h"
#include "server/context.h"
#include "server/selection/selector.h"

namespace atl::server {

class RoundLoop {
 public:
  explicit RoundLoop(Context& context);

  // Runs every round that is left, and a last evaluation. Success when the run is complete;
  // kInterrupted when it was drained before, kDiskFull, kConfig, ... when it cannot go on. What was
  // committed stays.
  net::awaitable<Status> run();

 private:
  net::awaitable<Status> initial_model();
  net::awaitable<Status> one_round(uint32_t number);
  net::awaitable<Status> last_evaluation();

  // kInterrupted when the server is drained meanwhile.
  net::awaitable<Result<std::vector<std::string>>> wait_for_clients();
  std::vector<Place> places_for(const std::vector<std::string>& cohort, bool train,
                                bool evaluate) const;
  std::shared_ptr<Round> open(const Intent& intent);
  // What is missing from these after a deadline: a line of the log, and a dump of their sessions.
  void tell_late(const Round& round, const std::vector<std::string>& names,
                 const std::string& what);
  net::awaitable<bool> collect(std::shared_ptr<Round> round);
  net::awaitable<Status> reduce_and_commit(std::shared_ptr<Round> round, const Intent& intent,
                                           std::chrono::steady_clock::time_point begun);
  // What a round adds to the ledger when its model is on the disk; `digest` is the model's.
  using Closing = std::function<Commit(const Digest& digest)>;
  net::awaitable<Status> write_and_commit(uint32_t round, const Manifest& manifest,
                                          const FlatSource& fill, const Closing& closing);
  net::awaitable<Result<Intent>> intend(uint32_t number);
  net::awaitable<Status> on_disk(const std::function<Status()>& work);
  Status check_policy() const;
  bool fixed_in(uint32_t round) const;  // statistics_are_fixed()
  bool evaluates(uint32_t model_round) const;
  size_t quorum(size_t selected) const;

  Context& context_;
  std::unique_ptr<Selector> selector_;
};

}  // namespace atl::server
