#include "server/run_config.h"

#include <cmath>
#include <cstdio>
#include <sstream>

#include "common/config/number.h"
#include "common/wire/message.h"
#include "common/wire/torchscript.h"
#include "server/aggregation/policy.h"

namespace atl::server {
namespace {

using config::number;

double seconds_of(std::chrono::milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

void read_seconds(config::Table& table, const char* key, std::chrono::milliseconds& out,
                  double least = 0.1) {
  double seconds = seconds_of(out);
  table.read(key, seconds, {.min = least, .max = 1e7});
  out = std::chrono::milliseconds(static_cast<int64_t>(std::llround(seconds * 1000)));
}

void read_train(config::Table t, wire::TrainSettings& s) {
  t.read_choice("optimizer", s.optimizer, {"sgd", "adamw"});
  t.read("learning_rate", s.learning_rate, {.min = 0});
  t.read("momentum", s.momentum, {.min = 0, .max = 1});
  t.read("nesterov", s.nesterov);
  t.read("weight_decay", s.weight_decay, {.min = 0});
  t.read("beta1", s.beta1, {.min = 0, .max = 1});
  t.read("beta2", s.beta2, {.min = 0, .max = 1});
  t.read("epsilon", s.epsilon, {.min = 0});
  t.read("epochs", s.epochs, {.min = 1, .max = 1e6});
  t.read("steps", s.steps, {.min = 0, .max = 1e9});
  t.read("batch_size", s.batch_size, {.min = 1, .max = 1e6});
  t.read("clip_norm", s.clip_norm, {.min = 0});
  t.read_choice("schedule", s.schedule, {"constant", "cosine", "step", "exponential"});
  t.read("schedule_factor", s.schedule_factor, {.min = 0});
  t.read("schedule_every", s.schedule_every, {.min = 1});
  t.read("warmup_rounds", s.warmup_rounds);
  t.read("bf16", s.bf16);
  t.read("adaptive_clip", s.adaptive_clip, {.min = 0});
  if (s.nesterov && s.momentum == 0) t.fail("nesterov", "needs a momentum above 0");
}

// Norms and policies that work through the slots of built-in models.
void check_scripted(const RunConfig& run, config::Table& model, config::Table& aggregation) {
  if (run.model.norm != "none")
    model.fail("norm", "must be \"none\" for a TorchScript model, which has norms of its own");
  if (run.policy == "fixbn" || run.policy == "affine_only")
    aggregation.fail("policy", run.policy + " needs the norm slots of a built-in model");
}

// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    char escape[8];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

RunConfig read_run_config(config::Table root) {
  RunConfig run;
  root.read("name", run.name);
  if (!wire::is_valid_name(run.name))
    root.fail("name", "must be 1 to 64 letters, digits, '.', '_' or '-', not beginning with '.'");
  root.read("seed", run.seed);
  root.read("rounds", run.rounds, {.min = 1, .max = 1e6});

  auto model = root.table("model");
  model.read("name", run.model.name);
  model.read("norm", run.model.norm);
  if (run.model.name.size() > 64) model.fail("name", "is longer than 64 characters");
  if (run.model.norm.size() > 128) model.fail("norm", "is longer than 128 characters");
  model.read_path("initial", run.initial_model);
  model.read("classes", run.model.classes, {.min = 1, .max = 1 << 24});
  std::vector<double> input;
  if (model.read("input", input)) {
    if (input.size() > 8) model.fail("input", "has more than 8 dimensions");
    for (double extent : input) {
      if (extent < 1 || extent > (1 << 24) || extent != std::floor(extent)) {
        model.fail("input", "must be a list of positive whole numbers, such as [3, 32, 32]");
        break;
      }
      run.model.input.push_back(static_cast<int64_t>(extent));
    }
  }

  if (std::string program; model.read("torchscript", program))
    model.fail(
        "torchscript",
        "belongs to each client's client.toml, or to [simulate]: a server never sees a program");

  read_train(root.table("train"), run.train);

  auto selection = root.table("selection");
  selection.read("min_clients", run.min_clients, {.min = 1});
  selection.read("cohort", run.cohort);
  selection.read("over_selection", run.over_selection, {.min = 0, .max = 10});
  selection.read("quorum", run.quorum);
  if (run.cohort > 0 && run.quorum > run.cohort)
    selection.fail("quorum", "cannot be larger than the cohort");

  root.table("admission").read("quarantine_after", run.quarantine_after);

  auto aggregation = root.table("aggregation");
  aggregation.read_choice("rule", run.rule, {"fedavg"});
  aggregation.read_choice("weights", run.weights, {"examples", "uniform"});
  aggregation.read_choice("policy", run.policy,
                          std::vector<std::string>(kPolicies.begin(), kPolicies.end()));
  aggregation.read("fix_after", run.fix_after, {.min = 1, .max = 1e6});
  if (run.fix_after > 0 && run.policy != "fixbn")
    aggregation.fail("fix_after", "belongs to policy = \"fixbn\"");

  if (run.model.name == wire::kTorchScript) check_scripted(run, model, aggregation);

  root.table("evaluation").read("every", run.evaluate_every);
  root.table("checkpoints").read("keep", run.keep, {.min = 1});

  auto timeouts = root.table("timeouts");
  read_seconds(timeouts, "progress_s", run.progress);
  read_seconds(timeouts, "poll_s", run.poll);
  read_seconds(timeouts, "round_s", run.round_limit, 0);
  return run;
}

std::string to_toml(const RunConfig& run) {
  std::ostringstream out;
  const auto& s = run.train;
  out << std::boolalpha;
  out << "name = " << quoted(run.name) << "\nseed = " << run.seed << "\nrounds = " << run.rounds
      << "\n";
  out << "\n[model]\nname = " << quoted(run.model.name) << "\nnorm = " << quoted(run.model.norm)
      << "\n";
  if (!run.model.input.empty()) {
    out << "input = [";
    for (size_t i = 0; i < run.model.input.size(); ++i)
      out << (i ? ", " : "") << run.model.input[i];
    out << "]\n";
  }
  if (run.model.classes > 0) out << "classes = " << run.model.classes << "\n";
  if (!run.initial_model.empty()) out << "initial = " << quoted(run.initial_model) << "\n";
  out << "\n[train]\noptimizer = \"" << s.optimizer
      << "\"\nlearning_rate = " << number(s.learning_rate) << "\nmomentum = " << number(s.momentum)
      << "\nnesterov = " << s.nesterov << "\nweight_decay = " << number(s.weight_decay)
      << "\nbeta1 = " << number(s.beta1) << "\nbeta2 = " << number(s.beta2)
      << "\nepsilon = " << number(s.epsilon) << "\nepochs = " << s.epochs << "\nsteps = " << s.steps
      << "\nbatch_size = " << s.batch_size << "\nclip_norm = " << number(s.clip_norm)
      << "\nschedule = \"" << s.schedule << "\"\nschedule_factor = " << number(s.schedule_factor)
      << "\nschedule_every = " << s.schedule_every << "\nwarmup_rounds = " << s.warmup_rounds
      << "\nbf16 = " << s.bf16 << "\n";
  if (s.adaptive_clip > 0) out << "adaptive_clip = " << number(s.adaptive_clip) << "\n";
  out << "\n[selection]\nmin_clients = " << run.min_clients << "\ncohort = " << run.cohort
      << "\nover_selection = " << number(run.over_selection) << "\nquorum = " << run.quorum << "\n";
  out << "\n[aggregation]\nrule = \"" << run.rule << "\"\nweights = \"" << run.weights
      << "\"\npolicy = \"" << run.policy << "\"\n";
  if (run.fix_after > 0) out << "fix_after = " << run.fix_after << "\n";
  out << "\n[evaluation]\nevery = " << run.evaluate_every << "\n";
  out << "\n[checkpoints]\nkeep = " << run.keep << "\n";
  out << "\n[timeouts]\nprogress_s = " << number(seconds_of(run.progress))
      << "\npoll_s = " << number(seconds_of(run.poll)) << "\n";
  if (run.round_limit.count() > 0)
    out << "round_s = " << number(seconds_of(run.round_limit)) << "\n";
  return out.str();
}

}  // namespace atl::server
