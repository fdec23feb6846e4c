#include "experiments/fl_normalization/run/advise_verb.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "common/core/file.h"
#include "experiments/data/partition_report.h"
#include "experiments/fl_normalization/advice/advice.h"
#include "experiments/run/plan.h"
#include "models/registry.h"

namespace atl::study {
namespace {

struct Options {
  std::string file, set, map;
  bool json = false;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Slots of the model, whatever norm the file has in them.
Result<double> norm_slots(const workbench::Plan& plan, const data::Dataset& set) {
  auto spec = plan.run.model;
  spec.norm = "bn";
  if (spec.input.empty()) spec.input = set.shape;
  if (spec.classes == 0) spec.classes = set.classes;
  ATOLL_ASSIGN(const auto model, models::make_model(spec));
  return static_cast<double>(model->norm_slots().size());
}

Result<Federation> federation_of(const workbench::Plan& plan, const workbench::Prepared& prepared) {
  const auto report = workbench::report_partition(prepared.partition, prepared.splits);
  const auto& train = plan.run.train;
  Federation f;
  std::vector<double> sizes, steps;
  f.batch = train.batch_size;
  f.least_batch = train.batch_size;
  for (const auto& share : report.shares) {
    if (share.train == 0) continue;
    const auto batches = (share.train + train.batch_size - 1) / train.batch_size;
    sizes.push_back(static_cast<double>(share.train));
    steps.push_back(static_cast<double>(train.steps > 0 ? train.steps : batches * train.epochs));
    const auto last = static_cast<uint32_t>(share.train % train.batch_size);
    if (last > 0) f.least_batch = std::min(f.least_batch, last);
  }
  if (sizes.empty()) return Error(ErrorCode::kData, "no client has training examples to judge by");
  f.clients = static_cast<double>(sizes.size());
  f.images = median(sizes);
  f.local_steps = median(steps);
  f.local_epochs = f.local_steps * train.batch_size / std::max(f.images, double(train.batch_size));
  if (train.steps == 0) f.local_epochs = train.epochs;
  f.skew = report.mean_total_variation;
  f.effective_classes = report.mean_effective_classes;
  ATOLL_ASSIGN(f.norm_slots, norm_slots(plan, *prepared.splits.train));
  f.norm = plan.run.model.norm;
  f.policy = plan.run.policy;
  return f;
}

Result<RegimeMap> map_for(const Options& o) {
  if (o.map.empty()) return built_in_map();
  ATOLL_ASSIGN(const auto text, read_text(o.map));
  auto map = map_from_json(text);
  if (!map) return std::move(map).error().wrap("cannot read " + o.map);
  return map;
}

Status run(const Options& o) {
  ATOLL_ASSIGN(const auto plan, workbench::load_plan(o.file, o.set));
  const auto say = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  ATOLL_ASSIGN(const auto prepared, workbench::prepare(plan, say));
  ATOLL_ASSIGN(const auto federation, federation_of(plan, prepared));
  ATOLL_ASSIGN(const auto map, map_for(o));
  ATOLL_ASSIGN(const auto advice, advise(federation, map));
  const auto text = o.json ? to_json(federation, advice) + "\n" : to_text(federation, advice);
  std::fputs(text.c_str(), stdout);
  return {};
}

}  // namespace

void add_advise_verb(CLI::App& app, workbench::Verbs& verbs) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand(
      "advise", "which normalization to try first for a run file, by what the study has measured");
  verb->add_option("file", o->file, "the run file; its [data] and [partition] are looked at")
      ->required();
  verb->add_option("--data", o->set, "another known data set (`atoll data list`)");
  verb->add_option("--map", o->map,
                   "the regimes.json of a study of one's own; default: the one that comes along");
  verb->add_flag("--json", o->json, "one line of JSON");
  verbs.push_back({verb, [o] { return run(*o); }});
}

}  // namespace atl::study
