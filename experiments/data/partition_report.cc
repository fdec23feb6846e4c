#include "experiments/data/partition_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "client/data/indices.h"
#include "common/core/file.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;

double gini(std::vector<size_t> sizes) {
  std::sort(sizes.begin(), sizes.end());
  double weighted = 0, sum = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    weighted += static_cast<double>(i + 1) * static_cast<double>(sizes[i]);
    sum += static_cast<double>(sizes[i]);
  }
  const auto n = static_cast<double>(sizes.size());
  return sum > 0 ? 2 * weighted / (n * sum) - (n + 1) / n : 0;
}

Json describe(const PartitionSpec& spec, const Partition& partition,
              const data::DataSplits& splits) {
  const auto report = report_partition(partition, splits);
  Json parameters;
  if (spec.scheme.starts_with("dirichlet") || spec.scheme == "quantity")
    parameters["alpha"] = spec.alpha;
  if (spec.scheme == "shards") parameters["shards_per_client"] = spec.shards_per_client;
  if (spec.scheme == "labels-per-client") parameters["labels_per_client"] = spec.labels_per_client;
  if (spec.scheme == "by-column") parameters["column"] = spec.column;
  parameters["min_examples"] = spec.min_examples;
  parameters["test"] = spec.test;
  Json out;
  out["set"] = splits.train->name;
  out["scheme"] = spec.scheme;
  out["clients"] = partition.shares.size();
  out["seed"] = spec.seed;
  out["parameters"] = std::move(parameters);
  out["sha256"] = partition.sha256;
  out["train"] = splits.train->size();
  out["test"] = splits.test->size();
  out["classes"] = splits.train->class_names;
  out["mean_total_variation"] = report.mean_total_variation;
  out["mean_effective_classes"] = report.mean_effective_classes;
  out["size_gini"] = report.size_gini;
  out["shares"] = Json::array();
  for (const auto& share : report.shares) {
    Json row;
    row["name"] = share.name;
    row["train"] = share.train;
    row["test"] = share.test;
    row["per_class"] = share.per_class;
    row["total_variation"] = share.total_variation;
    row["effective_classes"] = share.effective_classes;
    out["shares"].push_back(std::move(row));
  }
  return out;
}

std::string dump(const Json& json, int indent) {
  // Class names and columns come from files; bytes that are not UTF-8 must not end the program.
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

PartitionReport report_partition(const Partition& partition, const data::DataSplits& splits) {
  const auto& labels = splits.train->labels;
  const size_t classes = splits.train->classes;
  std::vector<double> global(classes);
  for (const uint32_t label : labels) global[label] += 1.0 / static_cast<double>(labels.size());
  PartitionReport report;
  std::vector<size_t> sizes;
  for (const auto& share : partition.shares) {
    ShareReport row;
    row.name = share.name;
    row.train = share.train.size();
    row.test = share.test.size();
    row.per_class.resize(classes);
    for (const uint32_t index : share.train) ++row.per_class[labels[index]];
    double entropy = 0;
    for (size_t k = 0; k < classes && row.train > 0; ++k) {
      const double p = static_cast<double>(row.per_class[k]) / static_cast<double>(row.train);
      row.total_variation += std::abs(p - global[k]) / 2;
      if (p > 0) entropy -= p * std::log(p);
    }
    row.effective_classes = row.train > 0 ? std::exp(entropy) : 0;
    sizes.push_back(row.train);
    report.mean_total_variation += row.total_variation;
    report.mean_effective_classes += row.effective_classes;
    report.shares.push_back(std::move(row));
  }
  const auto count = static_cast<double>(report.shares.size());
  report.mean_total_variation /= count;
  report.mean_effective_classes /= count;
  report.size_gini = gini(std::move(sizes));
  return report;
}

std::string to_table(const PartitionReport& report, const std::vector<std::string>& class_names,
                     size_t rows) {
  const size_t classes = report.shares.empty() ? 0 : report.shares.front().per_class.size();
  const size_t shown = std::min<size_t>(classes, 20);
  std::string text;
  char cell[64];
  auto add = [&](const char* format, auto... values) {
    std::snprintf(cell, sizeof(cell), format, values...);
    text += cell;
  };
  add("%-14s %7s %7s", "client", "train", "test");
  for (size_t k = 0; k < shown; ++k)
    add(" %7.7s", k < class_names.size() ? class_names[k].c_str() : std::to_string(k).c_str());
  if (shown < classes) add(" %7s", "...");
  add(" %6s %7s\n", "TV", "classes");
  for (size_t i = 0; i < std::min(rows, report.shares.size()); ++i) {
    const auto& share = report.shares[i];
    add("%-14.40s %7zu %7zu", share.name.c_str(), share.train, share.test);
    for (size_t k = 0; k < shown; ++k) add(" %7zu", share.per_class[k]);
    if (shown < classes) add(" %7s", "...");
    add(" %6.3f %7.2f\n", share.total_variation, share.effective_classes);
  }
  if (rows < report.shares.size()) add("... and %zu more clients\n", report.shares.size() - rows);
  add("mean TV %.3f, ", report.mean_total_variation);
  add("mean effective classes %.2f, ", report.mean_effective_classes);
  add("Gini of sizes %.3f\n", report.size_gini);
  return text;
}

std::string to_json(const PartitionSpec& spec, const Partition& partition,
                    const data::DataSplits& splits) {
  return dump(describe(spec, partition, splits), -1);
}

Status write_partition(const std::string& folder, const PartitionSpec& spec,
                       const Partition& partition, const data::DataSplits& splits) {
  ATOLL_TRY(make_folders(folder));
  for (const auto& share : partition.shares) {
    const std::string stem = folder + "/" + share.name;
    ATOLL_TRY(write_atomic(stem + ".train.indices", data::to_text(share.train)));
    ATOLL_TRY(write_atomic(stem + ".test.indices", data::to_text(share.test)));
  }
  return write_atomic(folder + "/partition.json",
                      dump(describe(spec, partition, splits), 2) + "\n");
}

}  // namespace atl::workbench
