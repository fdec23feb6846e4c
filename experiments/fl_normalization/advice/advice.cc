#include "experiments/fl_normalization/advice/advice.h"

#include <algorithm>
#include <cmath>

#include "common/cli/front_door.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

using workbench::compact;
using workbench::fixed;

constexpr size_t kNeighbours = 3;
// Of a batch: fewer examples give statistics of little more than one image.
constexpr uint32_t kSmallBatch = 8;

Regime as_regime(const Federation& f) {
  Regime regime;
  regime.local_epochs = f.local_epochs;
  regime.local_steps = f.local_steps;
  regime.images = f.images;
  regime.skew = f.skew;
  regime.effective_classes = f.effective_classes;
  regime.depth = f.norm_slots;
  return regime;
}

// Quantities that grow by factors are compared by their ratio.
double scaled(double value) { return std::log1p(std::max(0.0, value)); }

struct Span {
  double low = INFINITY, high = -INFINITY;
};

std::vector<Span> spans_of(const RegimeMap& map) {
  std::vector<Span> spans(names_before_training().size());
  for (const auto& regime : map.regimes) {
    const auto known = known_before_training(regime);
    for (size_t i = 0; i < known.size(); ++i) {
      spans[i].low = std::min(spans[i].low, known[i]);
      spans[i].high = std::max(spans[i].high, known[i]);
    }
  }
  return spans;
}

// Euclidean, every quantity by its span over the map.
double distance(const std::vector<double>& a, const std::vector<double>& b,
                const std::vector<Span>& spans) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double width = scaled(spans[i].high) - scaled(spans[i].low);
    if (width > 0) sum += std::pow((scaled(a[i]) - scaled(b[i])) / width, 2);
  }
  return std::sqrt(sum);
}

std::vector<Neighbour> neighbours_of(const std::vector<double>& known, const RegimeMap& map,
                                     const std::vector<Span>& spans) {
  std::vector<Neighbour> all;
  for (const auto& regime : map.regimes)
    all.push_back({&regime, distance(known, known_before_training(regime), spans)});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.distance < b.distance; });
  all.resize(std::min(kNeighbours, all.size()));
  return all;
}

void note_reach(const std::vector<double>& known, const std::vector<Span>& spans, Advice& advice) {
  const auto names = names_before_training();
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i] >= spans[i].low && known[i] <= spans[i].high) continue;
    advice.careful.push_back(names[i] + " is " + compact(known[i]) +
                             "; the map was measured from " + compact(spans[i].low) + " to " +
                             compact(spans[i].high));
  }
}

void note_batches(const Federation& f, Advice& advice) {
  const auto take_out = [&](const std::string& why) {
    std::erase(advice.norms, "bn");
    advice.careful.push_back(why);
  };
  if (f.batch == 1)
    take_out("batches of one example have no statistics over examples: bn is out");
  else if (f.batch < kSmallBatch)
    advice.careful.push_back("batches of " + std::to_string(f.batch) +
                             " give bn noisy statistics; the map was measured with 32");
  else if (f.least_batch == 1)
    advice.careful.push_back(
        "a client's last batch has one example: bn then uses its running statistics where a "
        "channel has one value");
}

// Whether the nearest regimes tell LN and BN apart at all.
bool undecided(const std::vector<Neighbour>& neighbours) {
  return std::all_of(neighbours.begin(), neighbours.end(),
                     [](const Neighbour& n) { return n.regime->ln.interval.side() == 0; });
}

double mean_none(const std::vector<Neighbour>& neighbours) {
  double sum = 0;
  for (const auto& n : neighbours) sum += n.regime->none.mean;
  return sum / static_cast<double>(neighbours.size());
}

}  // namespace

Result<RegimeMap> built_in_map() {
  static constexpr const char* kRegimes =
#include "regimes.json.inc"
      ;
  return map_from_json(kRegimes);
}

Result<Advice> advise(const Federation& federation, const RegimeMap& map) {
  const auto rule = rule_of_all(map);
  if (!rule)
    return Error(ErrorCode::kUnsupported,
                 "the map has " + std::to_string(map.regimes.size()) +
                     " regimes, which give no rule: it takes six, with both signs of LN - BN")
        .hint(cli::front_door() + " experiment fl-normalization --map measures one");
  const auto known = known_before_training(as_regime(federation));
  const auto spans = spans_of(map);
  Advice advice;
  advice.neighbours = neighbours_of(known, map, spans);
  const bool layer = (*rule)(known);
  advice.norms =
      layer ? std::vector<std::string>{"ln", "bn"} : std::vector<std::string>{"bn", "ln"};
  if (mean_none(advice.neighbours) > 0) advice.norms.emplace_back("none");
  advice.policy = "pooled";
  advice.why.push_back("the rule says " + std::string(layer ? "LN: " : "BN: ") +
                       rule->text(names_before_training(), "LN", "BN"));
  const auto& told = map.rule;
  advice.why.push_back("left out of the fit in turn, it is wrong on " +
                       std::to_string(told.leave_one_out) + " of " + std::to_string(told.all) +
                       " regimes");
  if (undecided(advice.neighbours))
    advice.careful.emplace_back(
        "the nearest regimes do not tell LN and BN apart: between equals, ln has no statistics "
        "that averaging could spoil");
  note_reach(known, spans, advice);
  note_batches(federation, advice);
  if (federation.norm.rfind("bn", 0) == 0 && federation.policy == "all")
    advice.careful.emplace_back(
        "policy = \"all\" averages variances without the spread between clients; \"pooled\" does "
        "not lose it");
  return advice;
}

std::string to_text(const Federation& f, const Advice& advice) {
  std::string out = "federation  " + compact(f.clients) + " clients of " + compact(f.images) +
                    " examples, " + fixed(f.effective_classes, 1) + " classes each (label skew " +
                    fixed(f.skew, 2) + "), " + compact(f.local_epochs) +
                    " epochs = " + compact(f.local_steps) + " steps a round, " +
                    compact(f.norm_slots) + " norm slots\n";
  std::string order;
  for (const auto& norm : advice.norms)
    order += (order.empty() ? "" : ", then ") + norm +
             (norm == "bn" ? " with policy = \"" + advice.policy + "\"" : "");
  out += "try         " + order + "\n";
  for (const auto& line : advice.why) out += "because     " + line + "\n";
  for (const auto& n : advice.neighbours) {
    const auto& c = n.regime->cell;
    out += "measured    " + c.data + " " + c.model + " " + c.partition + ", " +
           std::to_string(c.clients) + " x " + std::to_string(c.images) + ", E " +
           std::to_string(c.epochs) + ": LN - BN " + words(n.regime->ln) + ", none - BN " +
           words(n.regime->none) + " points (distance " + fixed(n.distance, 2) + ")\n";
  }
  for (const auto& line : advice.careful) out += "careful     " + line + "\n";
  return out;
}

}  // namespace atl::study
