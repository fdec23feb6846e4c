// The pair of devices of the toy experiment (two_devices.h): their data, their training, and what
// can be asked about models on either side.
#pragma once

#include <array>
#include <optional>

#include "client/torch_trainer.h"
#include "experiments/fl_normalization/run/scorer.h"
#include "experiments/fl_normalization/run/two_devices.h"

namespace atl::study {

class DevicePair {
 public:
  // `variant`: "shift" or "labels".
  static Result<DevicePair> make(const TwoDevicesOptions& options, const StudySet& set,
                                 const std::string& variant, const std::string& norm);

  // Trains both from the same initial weights.
  Status train(uint32_t epochs);

  const Manifest& manifest() const { return scorers_[0]->manifest(); }
  const Bytes& initial() const { return initial_; }
  const Bytes& local(size_t device) const { return locals_[device]; }
  // With equal weights.
  Bytes averaged(bool pooled) const;
  Bytes averaged(const Bytes& a, const Bytes& b) const;
  // The average with the norm's tensors of a device's own.
  Bytes with_own_norms(size_t device) const;

  // A model on a device's kind of test images.
  Score score(size_t device, ByteView model);
  // A model on a device's own training images, or its kind of the probe images.
  std::vector<SiteSample> on_own(size_t device, ByteView model);
  std::vector<SiteSample> on_probe(size_t device, ByteView model, bool with_gram);
  std::vector<bool> classes_of(size_t device) const;

 private:
  DevicePair(const TwoDevicesOptions& options, std::string norm, const StudySet& set)
      : options_(options), norm_(std::move(norm)), set_(set) {}

  TwoDevicesOptions options_;
  std::string norm_;
  const StudySet& set_;
  std::array<data::DataSplits, 2> splits_;
  std::array<data::Indices, 2> shares_;
  std::shared_ptr<client::WorkspacePool> pool_ = client::make_workspace_pool();
  std::array<std::optional<Scorer>, 2> scorers_;
  Bytes initial_;
  std::array<Bytes, 2> locals_;
};

}  // namespace atl::study
