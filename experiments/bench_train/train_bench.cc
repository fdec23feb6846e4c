#include "experiments/bench_train/train_bench.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>
#include <thread>

#include "client/data/open.h"
#include "common/core/log.h"
#include "common/core/rng.h"
#include "experiments/bench/scratch.h"
#include "experiments/bench_train/bare_training.h"
#include "experiments/data/get.h"
#include "experiments/simulate/simulation.h"
#include "experiments/simulate/trainer_around.h"

namespace atl::bench {
namespace {

using workbench::Plan;
using workbench::Prepared;

struct Options {
  std::string model = "lenet";
  uint32_t images = 10'000;  // per client
  uint32_t rounds = 3, pairs = 5, batch = 32;
};

// CIFAR-10 where it is at hand. Arithmetic takes as long on any pixels, so a machine without it is
// served by generated ones, and the report says so.
Result<data::SharedDataset> images(uint32_t count, Report& report) {
  if (const auto folder = workbench::find("cifar10")) {
    ATOLL_ASSIGN(auto splits, data::open_dataset("cifar10", *folder));
    report.note("images: CIFAR-10, the first " + std::to_string(count));
    return splits.train;
  }
  report.note("images: generated pixels in CIFAR-10's shape, because the set is not at hand");
  auto set = std::make_shared<data::Dataset>();
  set->name = "generated";
  set->shape = {3, 32, 32};
  set->classes = 10;
  set->mean = set->std = {0.5f, 0.5f, 0.5f};
  set->bytes.resize(size_t{count} * 3 * 32 * 32);
  Rng rng(1, "pixels");
  for (auto& byte : set->bytes) byte = static_cast<uint8_t>(rng.next_u32());
  for (uint32_t i = 0; i < count; ++i) {
    set->labels.push_back(static_cast<uint32_t>(rng.below(10)));
  }
  return data::SharedDataset(std::move(set));
}

Plan plan_of(const Options& o) {
  Plan plan;
  plan.run.name = "bench-train";
  plan.run.rounds = o.rounds;
  plan.run.model.name = o.model;
  plan.run.train.learning_rate = 0.01;
  plan.run.train.momentum = 0.9;
  plan.run.train.batch_size = o.batch;
  plan.run.evaluate_every = 0;
  plan.device = "cpu";
  return plan;
}

// Every client has the same number of images, cut from the set one after the other.
Prepared prepared_for(const data::SharedDataset& set, uint32_t clients, uint32_t images) {
  Prepared prepared;
  prepared.splits.train = set;
  auto none = std::make_shared<data::Dataset>(*set);
  none->bytes.clear();
  none->labels.clear();
  prepared.splits.test = std::move(none);
  for (uint32_t k = 0; k < clients; ++k) {
    workbench::Share share{"client-" + std::to_string(k + 1), data::Indices(images), {}};
    std::iota(share.train.begin(), share.train.end(), k * images);
    prepared.partition.shares.push_back(std::move(share));
  }
  prepared.partition.sha256 = "bench";
  return prepared;
}

// Adds up what the trainer says of its time.
class Timed : public workbench::TrainerAround {
 public:
  Timed(std::unique_ptr<client::Trainer> inner, std::atomic<double>& seconds)
      : TrainerAround(std::move(inner)), seconds_(seconds) {}
  Result<client::TrainReport> run(const client::Task& task, client::Progress& progress) override {
    auto report = inner().run(task, progress);
    if (report) seconds_ += report->seconds;
    return report;
  }

 private:
  std::atomic<double>& seconds_;
};

struct Federated {
  double seconds = 0;   // from the first client's joining to the last commit
  double training = 0;  // of it in the trainers' steps, summed over the clients
};

Result<Federated> federated(const Plan& plan, const Prepared& prepared, uint32_t threads) {
  ATOLL_ASSIGN(const auto scratch, Scratch::make("", 64 << 20));
  workbench::SimulationOptions options;
  options.out = scratch.path() + "/run";
  options.threads = threads;
  std::atomic<double> training = 0;
  options.around = [&](const workbench::Share&, std::unique_ptr<client::Trainer> inner) {
    return std::make_unique<Timed>(std::move(inner), training);
  };
  ATOLL_ASSIGN(const auto outcome, workbench::simulate(plan, prepared, options));
  return Federated{outcome.seconds, training};
}

// What the machine gives two loops that have nothing to do with each other. Two processors that
// share a core's arithmetic give large convolutions no more than one does.
Result<double> two_bare_seconds(const Plan& plan, const data::Dataset& set,
                                const Prepared& prepared) {
  Result<double> other = 0.0;
  std::thread second(
      [&] { other = bare_training_seconds(plan.run, set, prepared.partition.shares[1].train); });
  const auto first = bare_training_seconds(plan.run, set, prepared.partition.shares[0].train);
  second.join();
  if (!first) return first.error();
  if (!other) return other.error();
  return std::max(*first, *other);
}

Result<Report> run(const Options& chosen, const Settings& settings) {
  Options o = chosen;
  if (settings.short_form) {
    o.images = 1'000;
    o.rounds = 2;
    o.pairs = 2;
  }
  log::set_level(log::Level::kWarn);
  Report report("train");
  ATOLL_ASSIGN(const auto set, images(2 * o.images, report));
  if (set->size() < 2 * size_t{o.images}) {
    return Error(ErrorCode::kUsage,
                 "the set has fewer than " + std::to_string(2 * o.images) + " images")
        .hint("atoll bench train --images 25000");
  }
  const auto plan = plan_of(o);
  const auto one = prepared_for(set, 1, o.images);
  const auto two = prepared_for(set, 2, o.images);
  // The first use of a kernel costs extra; neither side pays for it.
  ATOLL_ASSIGN(auto warm_up, bare_training_seconds(plan.run, *set, one.partition.shares[0].train));
  (void)warm_up;

  Sample overhead, steps, speed_up, limit, bare_rate, one_rate, two_rate, outside;
  const double work = static_cast<double>(o.images) * o.rounds;
  for (uint32_t pair = 0; pair < o.pairs; ++pair) {
    ATOLL_ASSIGN(const double bare,
                 bare_training_seconds(plan.run, *set, one.partition.shares[0].train));
    ATOLL_ASSIGN(const auto alone, federated(plan, one, 1));
    ATOLL_ASSIGN(const auto both, federated(plan, two, 2));
    ATOLL_ASSIGN(const double two_bare, two_bare_seconds(plan, *set, two));
    overhead.add(alone.seconds / bare);
    steps.add(alone.training / bare);
    outside.add((alone.seconds - alone.training) / o.rounds);
    speed_up.add(2 * alone.seconds / both.seconds);
    limit.add(2 * bare / two_bare);
    bare_rate.add(work / bare);
    one_rate.add(work / alone.seconds);
    two_rate.add(2 * work / both.seconds);
  }
  report.figure("bare_loop", bare_rate, "images/s");
  report.figure("one_client", one_rate, "images/s");
  report.figure("two_clients", two_rate, "images/s");
  report.figure("overhead", overhead, "x");
  report.figure("training_alone", steps, "x");
  report.figure("round_beside_training", outside, "s");
  report.figure("two_cores", speed_up, "x");
  report.figure("two_bare_loops", limit, "x");
  const auto enforce = settings.short_form ? Enforce::kShownOnly : Enforce::kHard;
  report.at_most("overhead", overhead.median(), 1.05, enforce);
  report.at_least("two_cores", speed_up.median(), 1.8, enforce);
  return report;
}

}  // namespace

Benchmark train_benchmark() {
  return {"train",
          "a one-client federation against a bare LibTorch loop, and two clients on two cores",
          [](CLI::App& app) -> Benchmark::Run {
            auto o = std::make_shared<Options>();
            app.add_option("--model", o->model, "lenet, cnn_fedavg, ...")->capture_default_str();
            app.add_option("--images", o->images, "a client")->capture_default_str();
            app.add_option("--rounds", o->rounds)->capture_default_str();
            app.add_option("--batch", o->batch)->capture_default_str();
            app.add_option("--pairs", o->pairs, "repetitions, interleaved")->capture_default_str();
            return [o](const Settings& settings) { return run(*o, settings); };
          }};
}

}  // namespace atl::bench
