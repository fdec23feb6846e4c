#include "experiments/fl_normalization/run/two_devices_verb.h"

#include <cstdio>
#include <memory>

#include "common/core/file.h"
#include "experiments/fl_normalization/run/two_devices.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

struct Options {
  TwoDevicesOptions experiment;
  std::string folder, out = "runs/two-devices";
};

using workbench::fixed;
using workbench::padded;

Status run(const Options& o) {
  StudyData data(o.folder);
  ATOLL_ASSIGN(const auto result, run_two_devices(o.experiment, data));
  ATOLL_TRY(write_files(result, o.out));
  std::printf("%s%s\nfiles    %s\n", to_text(result).c_str(),
              workbench::human_seconds(result.seconds).c_str(), o.out.c_str());
  return {};
}

// Every row of the table with its numbers, column by column.
std::string text_of(const Table& table, const std::vector<std::string>& columns, int decimals) {
  std::string out;
  for (const auto& column : columns) out += padded(column, 17);
  out += "\n";
  for (const auto& row : table.rows) {
    for (const auto& column : columns) {
      const auto& field = row[table.column(column)];
      const auto* words = std::get_if<std::string>(&field);
      const bool whole = column == "E" || column == "scale";
      out += padded(
          words != nullptr ? *words : fixed(std::get<double>(field), whole ? 0 : decimals), 17);
    }
    out += "\n";
  }
  return out;
}

}  // namespace

Status write_files(const TwoDevices& result, const std::string& folder) {
  ATOLL_TRY(make_folders(folder));
  for (const auto& [name, table] : {std::pair("layers.csv", &result.layers),
                                    {"accuracy.csv", &result.accuracy},
                                    {"obliteration.csv", &result.obliteration},
                                    {"histograms.csv", &result.histograms}}) {
    ATOLL_TRY(write_atomic(folder + "/" + name, csv_header(*table) + csv_rows(*table)));
  }
  return {};
}

std::string to_text(const TwoDevices& result) {
  return "What each device's model sees of its own images, before the norm; running statistics\n" +
         text_of(
             result.layers,
             {"variant", "norm", "E", "layer", "G_mu", "JS", "CKA", "R_mu", "M_all", "M_pooled"},
             3) +
         "\nTest accuracy on A's kind of images and on B's\n" +
         text_of(result.accuracy, {"variant", "norm", "E", "model", "on_A", "on_B"}, 3) +
         "\nB's last convolution scaled before averaging\n" +
         text_of(result.obliteration,
                 {"norm", "scale", "local_B", "OI", "N_eff", "s_A", "Q_A", "Q_B"}, 3) +
         "\n";
}

void add_two_devices(CLI::App& experiment, workbench::Verbs& verbs) {
  auto o = std::make_shared<Options>();
  auto* verb = experiment.add_subcommand(
      "two-devices", "two devices drift apart: covariate shift and obliteration in seconds");
  verb->add_option("--set", o->experiment.set, "fashion_mnist, mnist or cifar10")
      ->capture_default_str();
  verb->add_option("--norms", o->experiment.norms, "which norms, default: bn ln gn:2 in none")
      ->delimiter(',');
  verb->add_option("--epochs", o->experiment.epochs, "local epochs, default: 1 5")->delimiter(',');
  verb->add_option("--images", o->experiment.images, "of each device")
      ->check(CLI::Range(10, 10'000))
      ->capture_default_str();
  verb->add_option("--seed", o->experiment.seed, "of weights, images and order")
      ->capture_default_str();
  verb->add_option("--data", o->folder, "the folder of the set's files; default: ATOLL_DATA");
  verb->add_option("--out", o->out, "where the CSV files go")->capture_default_str();
  verbs.push_back({verb, [o] { return run(*o); }});
}

}  // namespace atl::study
