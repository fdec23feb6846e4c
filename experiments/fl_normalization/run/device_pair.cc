#include "experiments/fl_normalization/run/device_pair.h"

#include <algorithm>

#include "experiments/data/derive.h"
#include "experiments/data/schemes.h"
#include "experiments/fl_normalization/metrics/average.h"

namespace atl::study {
namespace {

constexpr const char* kModel = "cnn3";

// x -> x + shift after normalisation, by way of the mean that is subtracted.
data::SharedDataset brighter(const data::SharedDataset& set, double shift) {
  auto out = std::make_shared<data::Dataset>(*set);
  for (size_t c = 0; c < out->mean.size(); ++c)
    out->mean[c] -= static_cast<float>(shift) * out->std[c];
  return out;
}

wire::ModelSpec spec_of(const std::string& norm, const data::Dataset& set) {
  return {kModel, norm, set.shape, set.classes};
}

bool is_norm(Role role) {
  return role == Role::kNormGamma || role == Role::kNormBeta || role == Role::kNormMean ||
         role == Role::kNormVar || role == Role::kNormCount;
}

}  // namespace

Result<DevicePair> DevicePair::make(const TwoDevicesOptions& options, const StudySet& set,
                                    const std::string& variant, const std::string& norm) {
  DevicePair pair(options, norm, set);
  const auto& train = *set.splits.train;
  ATOLL_ASSIGN(const auto some,
               workbench::stratified_indices(
                   train, variant == "labels" ? 2 * options.images : options.images, options.seed));
  pair.splits_ = {set.splits, set.splits};
  if (variant == "shift") {
    pair.splits_[1] = {brighter(set.splits.train, options.shift),
                       brighter(set.splits.test, options.shift)};
    pair.shares_ = {some, some};
  } else {
    for (const uint32_t i : some)
      pair.shares_[train.labels[i] < train.classes / 2 ? 0 : 1].push_back(i);
  }
  for (size_t d = 0; d < 2; ++d) {
    ATOLL_ASSIGN(auto scorer,
                 Scorer::make(*pair.pool_, spec_of(norm, train), torch::kCPU, pair.splits_[d]));
    pair.scorers_[d].emplace(std::move(scorer));
  }
  return pair;
}

Status DevicePair::train(uint32_t epochs) {
  for (size_t d = 0; d < 2; ++d) {
    client::TorchTrainerOptions options;
    options.client = "device";  // the same name: both see their images in the same order
    options.train = splits_[d].train;
    options.train_indices = shares_[d];
    options.device = "cpu";
    options.pool = pool_;
    ATOLL_ASSIGN(auto trainer, client::make_torch_trainer(spec_of(norm_, *options.train), options));
    ATOLL_TRY(trainer->initialize(options_.seed));
    initial_.resize(trainer->manifest().total_bytes());
    ATOLL_TRY(trainer->read(0, initial_));
    client::Task task{1, 1, options_.seed, true, false, {}};
    task.settings.learning_rate = options_.rate;
    task.settings.momentum = options_.momentum;
    task.settings.batch_size = options_.batch;
    task.settings.epochs = epochs;
    client::Progress progress;
    auto report = trainer->run(task, progress);
    if (!report) return std::move(report).error();
    locals_[d].resize(initial_.size());
    ATOLL_TRY(trainer->read(0, locals_[d]));
  }
  return {};
}

Bytes DevicePair::averaged(bool pooled) const {
  const Bytes* locals[] = {&locals_[0], &locals_[1]};
  return average(manifest(), locals_[0], locals, std::vector<double>{0.5, 0.5}, pooled);
}

Bytes DevicePair::averaged(const Bytes& a, const Bytes& b) const {
  const Bytes* locals[] = {&a, &b};
  return average(manifest(), a, locals, std::vector<double>{0.5, 0.5}, false);
}

Bytes DevicePair::with_own_norms(size_t device) const {
  Bytes out = averaged(false);
  for (const auto& tensor : manifest().tensors()) {
    if (!is_norm(tensor.role)) continue;
    const auto from = locals_[device].begin() + static_cast<ptrdiff_t>(tensor.offset);
    std::copy(from, from + static_cast<ptrdiff_t>(tensor.bytes()),
              out.begin() + static_cast<ptrdiff_t>(tensor.offset));
  }
  return out;
}

Score DevicePair::score(size_t device, ByteView model) {
  scorers_[device]->load(model);
  return scorers_[device]->score(set_.parts.scored);
}

std::vector<SiteSample> DevicePair::on_own(size_t device, ByteView model) {
  scorers_[device]->load(model);
  return scorers_[device]->probe_train(shares_[device]);
}

std::vector<SiteSample> DevicePair::on_probe(size_t device, ByteView model, bool with_gram) {
  scorers_[device]->load(model);
  return scorers_[device]->probe_test(set_.parts.probe, with_gram);
}

std::vector<bool> DevicePair::classes_of(size_t device) const {
  std::vector<bool> held(splits_[device].train->classes);
  for (const uint32_t i : shares_[device]) held[splits_[device].train->labels[i]] = true;
  return held;
}

}  // namespace atl::study
