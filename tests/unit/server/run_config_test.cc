#include "server/run_config.h"

#include <gtest/gtest.h>

namespace atl {
namespace {

using server::RunConfig;

Result<RunConfig> read(const std::string& text) {
  ATOLL_ASSIGN(auto document, config::Document::parse(text, "/runs/run.toml"));
  auto run = server::read_run_config(document.root());
  ATOLL_TRY(document.finish());
  return run;
}
std::string complaint(const std::string& text) {
  const auto run = read(text);
  return run ? "fine" : run.error().message();
}

// Every key, with a value that is not its default.
constexpr const char* kEverything = R"(name = "study-1"
seed = 77
rounds = 40

[model]
name = "lenet"
norm = "gn:4"
input = [1, 28, 28]
classes = 12
initial = "/models/with \"quotes\" and \\.safetensors"

[train]
optimizer = "adamw"
learning_rate = 0.0125
momentum = 0.5
nesterov = true
weight_decay = 0.0001
beta1 = 0.8
beta2 = 0.99
epsilon = 1e-07
epochs = 3
steps = 17
batch_size = 48
clip_norm = 2.5
schedule = "exponential"
schedule_factor = 0.998
schedule_every = 4
warmup_rounds = 5
bf16 = true
adaptive_clip = 0.02

[selection]
min_clients = 6
cohort = 5
over_selection = 0.3
quorum = 4

[admission]
quarantine_after = 7

[aggregation]
rule = "fedavg"
weights = "uniform"
policy = "fixbn"
fix_after = 12

[evaluation]
every = 3

[checkpoints]
keep = 9

[timeouts]
progress_s = 33.5
poll_s = 2.25
round_s = 4000.5
)";

TEST(RunConfigTest, EveryKeyIsRead) {
  const auto run = read(kEverything).value();
  const RunConfig none;
  EXPECT_EQ(run.name, "study-1");
  EXPECT_EQ(run.seed, 77u);
  EXPECT_EQ(run.rounds, 40u);
  EXPECT_EQ(run.model.name, "lenet");
  EXPECT_EQ(run.model.norm, "gn:4");
  EXPECT_EQ(run.model.input, (std::vector<int64_t>{1, 28, 28}));
  EXPECT_EQ(run.model.classes, 12u);
  EXPECT_EQ(run.initial_model, "/models/with \"quotes\" and \\.safetensors");
  const auto& t = run.train;
  EXPECT_EQ(t.optimizer, "adamw");
  EXPECT_EQ(t.learning_rate, 0.0125);
  EXPECT_EQ(t.momentum, 0.5);
  EXPECT_TRUE(t.nesterov && t.bf16);
  EXPECT_EQ(t.weight_decay, 0.0001);
  EXPECT_EQ(t.beta1, 0.8);
  EXPECT_EQ(t.beta2, 0.99);
  EXPECT_EQ(t.epsilon, 1e-7);
  EXPECT_EQ(t.epochs, 3u);
  EXPECT_EQ(t.steps, 17u);
  EXPECT_EQ(t.batch_size, 48u);
  EXPECT_EQ(t.clip_norm, 2.5);
  EXPECT_EQ(t.schedule, "exponential");
  EXPECT_EQ(t.schedule_factor, 0.998);
  EXPECT_EQ(t.schedule_every, 4u);
  EXPECT_EQ(t.warmup_rounds, 5u);
  EXPECT_EQ(run.min_clients, 6u);
  EXPECT_EQ(run.cohort, 5u);
  EXPECT_EQ(run.over_selection, 0.3);
  EXPECT_EQ(run.quorum, 4u);
  EXPECT_EQ(run.quarantine_after, 7u);
  EXPECT_EQ(run.weights, "uniform");
  EXPECT_EQ(run.policy, "fixbn");
  EXPECT_EQ(run.fix_after, 12u);
  EXPECT_EQ(t.adaptive_clip, 0.02);
  EXPECT_EQ(run.evaluate_every, 3u);
  EXPECT_EQ(run.keep, 9u);
  EXPECT_EQ(run.progress.count(), 33'500);
  EXPECT_EQ(run.poll.count(), 2'250);
  EXPECT_EQ(run.round_limit.count(), 4'000'500);
  EXPECT_EQ(none.round_limit.count(), 0);
}

// The text written is the run's identity (its hash): reading it and writing it again changes
// nothing, and no key is lost on the way.
TEST(RunConfigTest, WritingWhatWasReadIsAFixedPoint) {
  for (const std::string& text : {std::string(kEverything), std::string()}) {
    const auto once = server::to_toml(read(text).value());
    const auto again = read(once);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(server::to_toml(*again), once);
  }
  const auto written = server::to_toml(read(kEverything).value());
  auto document = config::Document::parse(kEverything, "x").value();
  for (const char* line :
       {"learning_rate = 0.0125", "progress_s = 33.5", "round_s = 4000.5", "input = [1, 28, 28]",
        "over_selection = 0.3", R"(initial = "/models/with \"quotes\" and \\.safetensors")"})
    EXPECT_NE(written.find(line), std::string::npos) << line << "\n" << written;
}

TEST(RunConfigTest, TextsOfAnyKindSurviveTheRoundTrip) {
  RunConfig run;
  run.initial_model = "/a\nb\t\"c\"\\d\x7f\x01/\xc3\xa4";
  const auto back = read(server::to_toml(run));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->initial_model, run.initial_model);
}

TEST(RunConfigTest, TheInitialModelIsRelativeToTheFile) {
  EXPECT_EQ(read("[model]\ninitial = \"start.safetensors\"").value().initial_model,
            "/runs/start.safetensors");
}

TEST(RunConfigTest, MistakesAreToldWithTheirLines) {
  EXPECT_EQ(complaint("name = 'a b'"),
            "/runs/run.toml:1: name: must be 1 to 64 letters, digits, '.', '_' or '-', not "
            "beginning with '.'");
  EXPECT_EQ(complaint("rounds = 0"), "/runs/run.toml:1: rounds: must be at least 1, not 0");
  EXPECT_EQ(complaint("[train]\nepoch = 1"),
            "/runs/run.toml:2: train.epoch: unknown key; did you mean \"train.epochs\"?");
  EXPECT_EQ(complaint("[train]\nnesterov = true"),
            "/runs/run.toml:2: train.nesterov: needs a momentum above 0");
  EXPECT_EQ(complaint("[selection]\ncohort = 3\nquorum = 4"),
            "/runs/run.toml:3: selection.quorum: cannot be larger than the cohort");
  EXPECT_EQ(complaint("[aggregation]\nfix_after = 3"),
            "/runs/run.toml:2: aggregation.fix_after: belongs to policy = \"fixbn\"");
  EXPECT_EQ(complaint("[aggregation]\npolicy = 'fedbm'"),
            "/runs/run.toml:2: aggregation.policy: \"fedbm\" is not known; did you mean "
            "\"fedbn\"? (known: all, pooled, affine_only, silobn, fedbn, fixbn, hbn, fedper)");
  EXPECT_EQ(complaint("[aggregation]\nweights = 'example'"),
            "/runs/run.toml:2: aggregation.weights: \"example\" is not known; did you mean "
            "\"examples\"? (known: examples, uniform)");
  EXPECT_EQ(
      complaint("[model]\nname = 'torchscript'\nnorm = 'bn'\n[aggregation]\npolicy = 'fixbn'"),
      "/runs/run.toml:3: model.norm: must be \"none\" for a TorchScript model, which has norms "
      "of its own\n  /runs/run.toml:5: aggregation.policy: fixbn needs the norm slots of a "
      "built-in model");
  EXPECT_EQ(complaint("[model]\ntorchscript = 'net.pt'"),
            "/runs/run.toml:2: model.torchscript: belongs to each client's client.toml, or to "
            "[simulate]: a server never sees a program");
  EXPECT_NE(complaint("[model]\ninput = [3, 0]").find("positive whole numbers"), std::string::npos);
  EXPECT_NE(complaint("[model]\ninput = [1.5]").find("positive whole numbers"), std::string::npos);
  EXPECT_NE(complaint("[model]\ninput = [1,1,1,1,1,1,1,1,1]").find("8 dimensions"),
            std::string::npos);
  EXPECT_NE(complaint("[timeouts]\nprogress_s = 0").find("at least 0.1"), std::string::npos);
  EXPECT_NE(complaint("[timeouts]\npoll_s = 0.01").find("at least 0.1"), std::string::npos);
  EXPECT_NE(complaint("[timeouts]\nround_s = -1").find("at least 0"), std::string::npos);
  EXPECT_NE(complaint("[checkpoints]\nkeep = 0").find("at least 1"), std::string::npos);
  EXPECT_NE(complaint("seed = -1").find("at least 0"), std::string::npos);
}

}  // namespace
}  // namespace atl
