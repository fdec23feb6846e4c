#include "experiments/experiment/experiment_verb.h"

#include "experiments/fl_normalization/run/fl_normalization_verb.h"
#include "experiments/fl_normalization/run/two_devices_verb.h"

namespace atl::workbench {

void add_experiment_verb(CLI::App& app, Verbs& verbs) {
  auto* experiment = app.add_subcommand("experiment", "run an experiment of experiments/");
  experiment->require_subcommand(1);
  study::add_fl_normalization(*experiment, verbs);
  study::add_two_devices(*experiment, verbs);
}

}  // namespace atl::workbench
