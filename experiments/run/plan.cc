#include "experiments/run/plan.h"

#include <ctime>
#include <filesystem>
#include <numeric>

#include "client/script_config.h"
#include "experiments/data/get.h"

namespace atl::workbench {

Result<Plan> load_plan(const std::string& file, const std::string& set) {
  ATOLL_ASSIGN(auto document, config::Document::load(file));
  auto root = document.root();
  Plan plan;
  plan.run = server::read_run_config(root);
  for (const char* servers : {"listen", "watch", "identity", "admission"})
    root.table(servers).accept_other_keys();

  auto table = root.table("data");
  plan.data = data::read_data_spec(table);
  table.read("fallback", plan.fallback);
  table.read_choice("augment", plan.augment, {"none", "pad_crop_flip"});
  plan.partition = read_partition_spec(root.table("partition"), plan.run.seed);
  auto simulate = root.table("simulate");
  simulate.read("threads", plan.threads, {.max = 4096});
  simulate.read("device", plan.device);
  simulate.read("evaluate_after", plan.evaluate_after);
  plan.script = client::read_script_file(simulate);
  ATOLL_TRY(document.finish());
  if (!set.empty()) {
    plan.data = {};
    plan.data.set = set;
    plan.fallback.clear();
  }
  return plan;
}

namespace {

// The folder of a known set; the fallback's when the first choice cannot be had.
Result<data::DataSpec> locate(const Plan& plan,
                              const std::function<void(const std::string&)>& say) {
  data::DataSpec spec = plan.data;
  if (spec.set.empty() || !spec.folder.empty()) return spec;
  auto folder = find_or_get(spec.set);
  if (!folder) {
    if (plan.fallback.empty()) return std::move(folder).error();
    say("data: " + plan.fallback + ", because " + spec.set +
        " is not at hand: " + folder.error().message());
    if (!folder.error().hint().empty()) say("      to use it: " + folder.error().hint());
    spec.set = plan.fallback;
    folder = find_or_get(spec.set);
    if (!folder) return std::move(folder).error();
  } else {
    say("data: " + spec.set + " in " + *folder);
  }
  spec.folder = std::move(folder).value();
  return spec;
}

}  // namespace

Result<Prepared> prepare(const Plan& plan, const std::function<void(const std::string&)>& say) {
  Prepared prepared;
  ATOLL_ASSIGN(const auto spec, locate(plan, say));
  ATOLL_ASSIGN(prepared.splits, data::open_data(spec));
  ATOLL_ASSIGN(prepared.partition, make_partition(plan.partition, prepared.splits));
  auto& record = prepared.record;
  record.set = spec.set;
  record.data_folder = spec.folder;
  record.partition = plan.partition;
  record.partition_sha256 = prepared.partition.sha256;
  if (plan.partition.test == "whole" && prepared.splits.test->size() > 0) {
    Share evaluator{"evaluator", {}, data::Indices(prepared.splits.test->size())};
    std::iota(evaluator.test.begin(), evaluator.test.end(), 0u);
    prepared.partition.shares.push_back(std::move(evaluator));
  }
  for (const auto& share : prepared.partition.shares) {
    if (share.train.empty()) continue;
    std::vector<uint64_t> counts(prepared.splits.train->classes);
    for (auto index : share.train) ++counts[prepared.splits.train->labels[index]];
    record.table.push_back(std::move(counts));
  }
  return prepared;
}

std::string new_run_folder(const std::string& name) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char stamp[32];
  std::strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &parts);
  const std::string base = "runs/" + name + "-" + stamp;
  std::string folder = base;
  for (int i = 2; std::filesystem::exists(folder); ++i) folder = base + "-" + std::to_string(i);
  return folder;
}

}  // namespace atl::workbench
