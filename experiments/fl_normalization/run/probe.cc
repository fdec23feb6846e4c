#include "experiments/fl_normalization/run/probe.h"

#include <numeric>

#include "models/calibration.h"
#include "models/tap.h"

namespace atl::study {
namespace {

// [B, C, ...] -> [B, c, space] on the CPU, the measured channels only.
torch::Tensor measured(const std::string& site, const torch::Tensor& x) {
  const auto channels = measured_channels(site, static_cast<size_t>(x.size(1)));
  std::vector<int64_t> chosen(channels.begin(), channels.end());
  auto planes = x.detach().reshape({x.size(0), x.size(1), -1});
  if (static_cast<int64_t>(chosen.size()) < x.size(1))
    planes = planes.index_select(1, torch::tensor(chosen).to(x.device()));
  return planes.to(torch::kCPU, torch::kFloat).contiguous();
}

TensorSample sample(const torch::Tensor& planes) {
  const auto images = static_cast<size_t>(planes.size(0)),
             channels = static_cast<size_t>(planes.size(1)),
             space = static_cast<size_t>(planes.size(2));
  // A step that shares no factor with the plane's size goes through all places of it.
  size_t step = (images * space + kHistogramValues - 1) / kHistogramValues;
  while (std::gcd(step, space) != 1) ++step;
  const auto* data = planes.const_data_ptr<float>();
  ChannelMoments moments(channels);
  TensorSample out;
  out.values.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < images; ++i)
      moments.add(c, std::span(data + (i * channels + c) * space, space));
    for (size_t at = 0; at < images * space; at += step)
      out.values[c].push_back(data[(at / space * channels + c) * space + at % space]);
  }
  out.statistics = moments.statistics();
  return out;
}

Gram gram_of(const torch::Tensor& planes) {
  auto z = planes.flatten(1);
  z = z - z.mean(0, /*keepdim=*/true);
  const auto product = z.matmul(z.t()).to(torch::kDouble).contiguous();
  const auto* data = product.const_data_ptr<double>();
  return {data, data + product.numel()};
}

class Listener : public models::Tap {
 public:
  explicit Listener(bool with_gram) : with_gram_(with_gram) {}
  void before(const std::string& site, const torch::Tensor& h) override {
    samples.push_back({site, sample(measured(site, h)), {}, {}});
  }
  void behind(const std::string& site, const torch::Tensor& z) override {
    for (auto& one : samples) {
      if (one.site != site) continue;
      const auto planes = measured(site, z);
      one.post = sample(planes);
      if (with_gram_) one.gram = gram_of(planes);
    }
  }
  std::vector<SiteSample> samples;

 private:
  bool with_gram_;
};

// Takes the tap off when it goes, whatever went wrong.
class TapGuard {
 public:
  TapGuard(models::Model& model, models::Tap& tap) : model_(model) { model_.set_tap(&tap); }
  ~TapGuard() { model_.set_tap(nullptr); }
  TapGuard(const TapGuard&) = delete;
  TapGuard& operator=(const TapGuard&) = delete;

 private:
  models::Model& model_;
};

}  // namespace

std::vector<SiteSample> probe(client::Workspace& workspace, std::span<const uint32_t> images,
                              bool with_gram) {
  torch::NoGradGuard no_grad;
  workspace.model->eval();
  const models::StatisticsGuard statistics(*workspace.model, models::Statistics::kBatch);
  Listener listener(with_gram);
  const TapGuard tap(*workspace.model, listener);
  workspace.model->forward(workspace.batches.load(images, nullptr).inputs);
  return std::move(listener.samples);
}

}  // namespace atl::study
