#include "experiments/fl_normalization/run/observation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tensor/safetensors.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// Whether the norm behind a convolution hides the scale of its weights.
bool sees_no_scale(const std::string& norm) {
  return norm != "none" && norm != "fn" && norm.rfind("hbn", 0) != 0;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return kNothing;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace

Observation::Observation(const Cell& cell, const workbench::Partition& partition,
                         const data::DataSplits& splits, const TestParts& parts, RoundBook& book,
                         Scorer scorer, CellResult& result)
    : cell_(cell),
      partition_(partition),
      splits_(splits),
      parts_(parts),
      book_(book),
      scorer_(std::move(scorer)),
      result_(result),
      norms_(scorer_.manifest(), sees_no_scale(cell.norm), cell.rate) {}

Status Observation::committed(uint32_t round, const std::string& model_file) {
  ATOLL_ASSIGN(const auto file, SafetensorsFile::open(model_file));
  Bytes model(file.manifest().total_bytes());
  ATOLL_TRY(file.read_flat(0, model));
  try {
    const auto rows = norms_.add(round, model);
    for (const auto& [group, at] : norms_.alarms()) result_.alarms[group] = at;
    if (measured(cell_, round) || round == 0) {
      for (const auto& row : rows)
        result_.norms.add({static_cast<double>(round), row.layer, row.group, row.norm, row.eta_eff,
                           row.angle, row.ratio});
    }
    const auto models = book_.take(round);
    if (measured(cell_, round)) {
      if (models.locals.empty())
        return Error(ErrorCode::kInternal, "round " + std::to_string(round) + " left no models");
      note_local_accuracy(round, models);
      measure(round, model, models);
    }
    if (evaluated(cell_, round)) evaluate(round, model);
  } catch (const std::exception& error) {
    return Error(ErrorCode::kTrainer, std::string("LibTorch: ") + error.what())
        .wrap("cannot measure round " + std::to_string(round));
  }
  return {};
}

void Observation::evaluate(uint32_t round, ByteView model) {
  const auto& images = evaluated_on_all(cell_, round) ? parts_.all : parts_.some;
  scorer_.load(model);
  const auto stored = scorer_.score(images);
  double batch = stored.accuracy(), recalibrated = stored.accuracy();
  if (scorer_.has_running_statistics() && cell_.measure_every == 0) {
    batch = recalibrated = kNothing;
  } else if (scorer_.has_running_statistics()) {
    batch = scorer_.score(images, true).accuracy();
    scorer_.recalibrate(parts_.probe);
    recalibrated = scorer_.score(images).accuracy();
  }
  result_.curve.add(
      {static_cast<double>(round), static_cast<double>(round * cell_.images_per_round()),
       static_cast<double>(up_), static_cast<double>(down_), static_cast<double>(images.size()),
       stored.accuracy(), stored.loss(), batch, recalibrated, kNothing, kNothing});
}

void Observation::note_local_accuracy(uint32_t round, const RoundModels& models) {
  std::vector<double> accuracies;
  double sum = 0;
  for (const auto& local : models.locals) {
    if (local.before.examples == 0) continue;
    accuracies.push_back(static_cast<double>(local.before.correct) /
                         static_cast<double>(local.before.examples));
    sum += accuracies.back();
  }
  auto& rows = result_.curve.rows;
  if (accuracies.empty() || rows.empty()) return;
  auto& row = rows.back();
  if (std::get<double>(row[0]) != static_cast<double>(round - 1)) return;
  row[result_.curve.column("local_acc_mean")] = sum / static_cast<double>(accuracies.size());
  row[result_.curve.column("local_acc_p10")] = percentile(accuracies, 0.1);
}

std::vector<bool> Observation::classes_of(const std::string& client) const {
  std::vector<bool> held(splits_.train->classes);
  for (const auto& share : partition_.shares) {
    if (share.name != client) continue;
    for (const uint32_t i : share.train) held[splits_.train->labels[i]] = true;
  }
  return held;
}

}  // namespace atl::study
