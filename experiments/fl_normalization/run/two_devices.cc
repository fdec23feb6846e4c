#include "experiments/fl_normalization/run/two_devices.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>
#include <thread>

#include "client/torch_guards.h"
#include "experiments/fl_normalization/metrics/bookkeeping.h"
#include "experiments/fl_normalization/metrics/norm_track.h"
#include "experiments/fl_normalization/run/device_pair.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kScaled = "conv3";  // the layer of the obliteration demonstration

// Of equally many values of both.
ChannelStatistics together(const ChannelStatistics& a, const ChannelStatistics& b) {
  ChannelStatistics out;
  for (size_t c = 0; c < a.mean.size(); ++c) {
    const double half = (a.mean[c] - b.mean[c]) / 2;
    out.mean.push_back((a.mean[c] + b.mean[c]) / 2);
    out.variance.push_back((a.variance[c] + b.variance[c]) / 2 + half * half);
  }
  return out;
}

// One variant with one norm.
class Experiment {
 public:
  Experiment(const TwoDevicesOptions& options, const StudySet& set, std::string variant,
             std::string norm)
      : options_(options), set_(set), variant_(std::move(variant)), norm_(std::move(norm)) {}

  Result<TwoDevices> run() {
    const client::ArithmeticGuard arithmetic(1);
    const bool labels = variant_ == "labels";
    const uint32_t most = *std::max_element(options_.epochs.begin(), options_.epochs.end());
    ATOLL_ASSIGN(auto pair, DevicePair::make(options_, set_, variant_, norm_));
    for (const uint32_t epochs : options_.epochs) {
      if (labels && epochs != most) continue;
      ATOLL_TRY(pair.train(epochs));
      look(epochs, pair);
    }
    if (labels) obliterate(pair);
    return std::move(out_);
  }

 private:
  // M of the average, over both devices' kinds of images; 0 where nothing is stored.
  std::vector<double> mismatches(DevicePair& pair, bool pooled) {
    const auto model = pair.averaged(pooled);
    const auto a = pair.on_probe(0, model, false), b = pair.on_probe(1, model, false);
    std::vector<double> out;
    for (size_t i = 0; i < a.size(); ++i) {
      const auto stored = running_statistics(pair.manifest(), model, a[i].site);
      out.push_back(stored.mean.empty()
                        ? 0
                        : mismatch(stored, together(a[i].pre.statistics, b[i].pre.statistics)));
    }
    return out;
  }

  void look(uint32_t epochs, DevicePair& pair) {
    const auto a = pair.on_own(0, pair.local(0)), b = pair.on_own(1, pair.local(1));
    const auto same_a = pair.on_probe(0, pair.local(0), true),
               same_b = pair.on_probe(0, pair.local(1), true);
    const auto all = mismatches(pair, false), pooled = mismatches(pair, true);
    for (size_t i = 0; i < a.size(); ++i) {
      const std::vector<ChannelStatistics> seen{a[i].pre.statistics, b[i].pre.statistics};
      const std::vector<ChannelValues> values{a[i].pre.values, b[i].pre.values};
      const std::vector<Gram> grams{same_a[i].gram, same_b[i].gram};
      double mean_gap_of_buffers = kNothing, variance_gap_of_buffers = kNothing;
      const std::vector<ChannelStatistics> stored{
          running_statistics(pair.manifest(), pair.local(0), a[i].site),
          running_statistics(pair.manifest(), pair.local(1), a[i].site)};
      if (!stored[0].mean.empty()) {
        mean_gap_of_buffers = running_mean_gap(stored);
        variance_gap_of_buffers = running_variance_gap(stored);
      }
      out_.layers.add({variant_, norm_, static_cast<double>(epochs), a[i].site, mean_gap(seen),
                       scale_gap(seen), wasserstein2(seen), symmetric_kl(seen),
                       histogram_js(values), linear_cka(grams), mean_gap_of_buffers,
                       variance_gap_of_buffers, all[i], pooled[i]});
      add_histograms(epochs, a[i].site, values);
    }
    const auto add = [&](const char* model, const Bytes& on_a, const Bytes& on_b) {
      out_.accuracy.add({variant_, norm_, static_cast<double>(epochs), model,
                         pair.score(0, on_a).accuracy(), pair.score(1, on_b).accuracy()});
    };
    add("A", pair.local(0), pair.local(0));
    add("B", pair.local(1), pair.local(1));
    const auto plain = pair.averaged(false), exact = pair.averaged(true);
    add("average (all)", plain, plain);
    add("average (pooled)", exact, exact);
    add("average (fedbn)", pair.with_own_norms(0), pair.with_own_norms(1));
  }

  // The first measured channel is enough for a picture.
  void add_histograms(uint32_t epochs, const std::string& layer,
                      const std::vector<ChannelValues>& devices) {
    constexpr size_t kBins = 64;
    float low = devices[0][0][0], high = low;
    for (const auto& device : devices) {
      for (const float value : device[0]) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
    const double width = (static_cast<double>(high) - static_cast<double>(low)) / kBins;
    for (size_t d = 0; d < devices.size(); ++d) {
      std::vector<double> bins(kBins);
      for (const float value : devices[d][0]) {
        const double at = width > 0 ? (static_cast<double>(value) - low) / width : 0;
        bins[std::min(kBins - 1, static_cast<size_t>(at))] +=
            1 / static_cast<double>(devices[d][0].size());
      }
      for (size_t i = 0; i < kBins; ++i) {
        const double from = low + width * static_cast<double>(i);
        out_.histograms.add({variant_, norm_, static_cast<double>(epochs), layer,
                             d == 0 ? "A" : "B", from, from + width, bins[i]});
      }
    }
  }

  // Before a norm the scale of a weight changes nothing about B's model, but all about the average.
  void obliterate(DevicePair& pair) {
    const auto local_a = pair.score(0, pair.local(0)).classes;
    for (const double scale : {1.0, 3.0, 10.0}) {
      Bytes scaled = pair.local(1);
      for (const auto& tensor : pair.manifest().tensors()) {
        const bool weight = tensor.name.rfind(std::string(kScaled) + ".", 0) == 0;
        if (!weight) continue;
        auto* values = reinterpret_cast<float*>(scaled.data() + tensor.offset);
        for (uint64_t i = 0; i < tensor.elements; ++i) values[i] *= static_cast<float>(scale);
      }
      scale_statistics(pair.manifest(), scale, scaled);
      const auto both = pair.averaged(pair.local(0), scaled);
      std::vector<TensorValues> tensors;
      for (const auto& tensor : pair.manifest().tensors()) {
        if (!is_trainable(tensor.role) || tensor.dtype != DType::kF32) continue;
        tensors.push_back({tensor.name,
                           false,
                           floats(pair.initial(), tensor),
                           {floats(pair.local(0), tensor), floats(scaled, tensor)}});
      }
      const auto shares = contributions(tensors, std::vector<double>{0.5, 0.5});
      const auto after = pair.score(0, both).classes;
      const auto local_b = pair.score(0, scaled).classes;
      out_.obliteration.add({norm_, scale, local_b.accuracy(pair.classes_of(1)),
                             obliteration_index(shares), effective_contributors(shares),
                             shares[0].s, retention(after, local_a, pair.classes_of(0)),
                             retention(after, local_b, pair.classes_of(1))});
    }
  }

  // A BatchNorm behind the layer has seen the scaled features all along.
  static void scale_statistics(const Manifest& manifest, double scale, Bytes& flat) {
    const auto change = [&](const char* name, double factor) {
      const auto* tensor = manifest.find(name);
      if (tensor == nullptr) return;
      auto* values = reinterpret_cast<float*>(flat.data() + tensor->offset);
      for (uint64_t i = 0; i < tensor->elements; ++i) values[i] *= static_cast<float>(factor);
    };
    change("norm3.running_mean", scale);
    change("norm3.running_var", scale * scale);
  }

  const TwoDevicesOptions& options_;
  const StudySet& set_;
  std::string variant_, norm_;
  TwoDevices out_;
};

Result<TwoDevices> guarded(Experiment experiment) {
  try {
    return experiment.run();
  } catch (const std::exception& error) {
    return Error(ErrorCode::kTrainer, std::string("LibTorch: ") + error.what());
  }
}

void append(Table& to, const Table& from) {
  to.rows.insert(to.rows.end(), from.rows.begin(), from.rows.end());
}

}  // namespace

Result<TwoDevices> run_two_devices(const TwoDevicesOptions& options, StudyData& data) {
  if (options.norms.empty() || options.epochs.empty())
    return Error(ErrorCode::kConfig, "two devices need at least one norm and one number of epochs")
        .hint("--norms bn,ln --epochs 1,5");
  ATOLL_ASSIGN(const auto* set, data.get(options.set));
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, std::string>> units;
  for (const char* variant : {"shift", "labels"}) {
    for (const auto& norm : options.norms) units.emplace_back(variant, norm);
  }
  std::vector<std::optional<Result<TwoDevices>>> parts(units.size());
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t) {
    threads.emplace_back([&] {
      for (size_t i = next++; i < units.size(); i = next++)
        parts[i] = guarded(Experiment(options, *set, units[i].first, units[i].second));
    });
  }
  for (auto& thread : threads) thread.join();
  TwoDevices out;
  for (auto& part : parts) {
    if (!*part) return std::move(*part).error();
    append(out.layers, (*part)->layers);
    append(out.accuracy, (*part)->accuracy);
    append(out.obliteration, (*part)->obliteration);
    append(out.histograms, (*part)->histograms);
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return out;
}

}  // namespace atl::study
