// A federation in one process: the same server and the same client loop as on many machines, over
// the in-memory transport, clients trained side by side on all cores. The final model is byte for
// byte that of the real processes (client/trainer.h says what it depends on).
#pragma once

#include <optional>

#include "client/trainer.h"
#include "experiments/run/plan.h"
#include "server/context.h"

namespace atl::workbench {

struct SimulationOptions {
  std::string out;                          // the run's folder; a run that it holds is gone on with
  uint32_t threads = 0;                     // 0: the plan's, or one a core
  std::optional<uint64_t> shuffle_arrival;  // clients join in an order drawn from this seed
  std::function<void(const server::RunEvent&)> watch = [](const server::RunEvent&) {};
  // For measurements. Puts something around a client's trainer, which sees what it receives and
  // what comes out of it, on the thread that trains. Absent: the trainer itself.
  std::function<std::unique_ptr<client::Trainer>(const Share&, std::unique_ptr<client::Trainer>)>
      around;
  // Hears of every model: round 0 is the initial one, the others are committed. Called between
  // rounds, while nobody trains, with the model's file. An error ends the run with it.
  std::function<Status(uint32_t round, const std::string& model)> committed;
  bool report = true;  // write the run's page
};

// Runs all rounds, writes the run's folder and its report. Several may run in one process.
Result<RunOutcome> simulate(const Plan& plan, const Prepared& prepared,
                            const SimulationOptions& options);

}  // namespace atl::workbench
