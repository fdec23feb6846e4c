// What is measured in a round: covariate shift, statistics, contributions (observation.h).
#include <cmath>
#include <limits>

#include "experiments/fl_normalization/metrics/average.h"
#include "experiments/fl_normalization/metrics/bookkeeping.h"
#include "experiments/fl_normalization/run/observation.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kOwnImages = 512;  // X_k: of a client's own, at most

using Samples = std::vector<std::vector<SiteSample>>;  // per client, per site

void add_rows(Table& ecs, uint32_t round, const char* frame, const Samples& clients) {
  for (size_t site = 0; site < clients[0].size(); ++site) {
    for (const bool post : {false, true}) {
      std::vector<ChannelStatistics> statistics;
      std::vector<ChannelValues> values;
      std::vector<Gram> grams;
      for (const auto& client : clients) {
        const auto& tensor = post ? client[site].post : client[site].pre;
        statistics.push_back(tensor.statistics);
        values.push_back(tensor.values);
        if (post && !client[site].gram.empty()) grams.push_back(client[site].gram);
      }
      ecs.add({static_cast<double>(round), clients[0][site].site, frame, post ? "post" : "pre",
               mean_gap(statistics), scale_gap(statistics), wasserstein2(statistics),
               symmetric_kl(statistics), histogram_js(values), linear_cka(grams)});
    }
  }
}

bool is_weight(Role role) {
  return role == Role::kConvWeight || role == Role::kLinearWeight || role == Role::kHeadWeight;
}

std::vector<double> weights_of(const RoundModels& models) {
  double sum = 0;
  for (const auto& local : models.locals) sum += static_cast<double>(local.examples);
  std::vector<double> p;
  for (const auto& local : models.locals) p.push_back(static_cast<double>(local.examples) / sum);
  return p;
}

}  // namespace

void Observation::measure(uint32_t round, ByteView model, const RoundModels& models) {
  measure_shift(round, models);
  measure_statistics(round, model, models);
  measure_contributions(round, model, models);
}

void Observation::measure_shift(uint32_t round, const RoundModels& models) {
  Samples model, data, total;
  for (const auto& local : models.locals) {
    data::Indices own;
    for (const auto& share : partition_.shares) {
      if (share.name == local.client) own = share.train;
    }
    if (own.size() > kOwnImages) own.resize(kOwnImages);
    scorer_.load(local.flat);
    model.push_back(scorer_.probe_test(parts_.probe, true));
    total.push_back(scorer_.probe_train(own));
    scorer_.load(models.before);
    data.push_back(scorer_.probe_train(own));
  }
  add_rows(result_.ecs, round, "model", model);
  add_rows(result_.ecs, round, "data", data);
  add_rows(result_.ecs, round, "total", total);
}

void Observation::measure_statistics(uint32_t round, ByteView model, const RoundModels& models) {
  scorer_.load(model);
  for (const auto& seen : scorer_.probe_test(parts_.probe, false)) {
    const auto stored = running_statistics(scorer_.manifest(), model, seen.site);
    double mean_gap = kNothing, variance_gap = kNothing, off = 0;  // without buffers: M = 0
    if (!stored.mean.empty()) {
      std::vector<ChannelStatistics> clients;
      for (const auto& local : models.locals)
        clients.push_back(running_statistics(scorer_.manifest(), local.flat, seen.site));
      mean_gap = running_mean_gap(clients);
      variance_gap = running_variance_gap(clients);
      off = mismatch(stored, seen.pre.statistics);
    }
    result_.bn.add({static_cast<double>(round), seen.site, mean_gap, variance_gap, off});
  }
}

void Observation::measure_contributions(uint32_t round, ByteView model, const RoundModels& models) {
  const auto& manifest = scorer_.manifest();
  const auto p = weights_of(models);
  std::vector<TensorValues> tensors;
  for (const auto& tensor : manifest.tensors()) {
    if (!is_trainable(tensor.role) || tensor.dtype != DType::kF32) continue;
    TensorValues values{tensor.name, is_weight(tensor.role), floats(models.before, tensor), {}};
    for (const auto& local : models.locals) values.locals.push_back(floats(local.flat, tensor));
    tensors.push_back(std::move(values));
  }
  const auto clients = contributions(tensors, p);

  std::vector<const Bytes*> locals;
  for (const auto& local : models.locals) locals.push_back(&local.flat);
  const auto score = [&](ByteView flat) {
    scorer_.load(flat);
    return scorer_.score(parts_.scored).classes;
  };
  const auto after = score(model), before = score(models.before);
  for (size_t k = 0; k < clients.size(); ++k) {
    const auto held = classes_of(models.locals[k].client);
    const auto local = score(*locals[k]);
    double alone = kNothing;
    if (clients.size() > 1) {
      auto others = p;
      others[k] = 0;
      alone = leave_one_out(
          after, score(average(manifest, model, locals, others, cell_.policy == "pooled")), held);
    }
    const auto& c = clients[k];
    result_.contrib.add({static_cast<double>(round), models.locals[k].client, c.p, c.s, c.cosine,
                         c.nu_max, c.nu_delta_max, retention(after, local, held), alone,
                         forgetting(local, before, held)});
  }
  result_.rounds.add(
      {static_cast<double>(round), effective_contributors(clients), obliteration_index(clients)});
}

}  // namespace atl::study
