#include "experiments/fl_normalization/run/test_parts.h"

#include <algorithm>

#include "common/core/rng.h"
#include "experiments/data/derive.h"
#include "experiments/data/schemes.h"

namespace atl::study {

Result<TestParts> make_test_parts(const data::Dataset& test) {
  // Of 10,000 images: 512, 1,000 and 1,000. Of a small set as many as its smallest class has for
  // all three; rounding takes one of it for each.
  size_t smallest = test.size();
  for (const auto& images : workbench::indices_by_class(test))
    smallest = std::min(smallest, images.size());
  const size_t room =
      (smallest - std::min<size_t>(smallest, 3)) * static_cast<size_t>(test.classes);
  const size_t unit = std::min({size_t{1000}, test.size() / 4, room * 1000 / 2512});
  const size_t probe = unit * 512 / 1000;
  ATOLL_ASSIGN(auto parts, workbench::stratified_parts(test, {probe, unit, unit}, 0));
  TestParts out;
  out.probe = std::move(parts[0]);
  out.scored = std::move(parts[1]);
  std::merge(out.scored.begin(), out.scored.end(), parts[2].begin(), parts[2].end(),
             std::back_inserter(out.some));
  for (uint32_t i = 0; i < test.size(); ++i) {
    if (!std::binary_search(out.probe.begin(), out.probe.end(), i)) out.all.push_back(i);
  }
  return out;
}

data::Indices of_classes(const data::Dataset& test, const data::Indices& part,
                         const std::vector<bool>& classes, size_t most) {
  data::Indices chosen;
  for (const uint32_t i : part) {
    if (classes[test.labels[i]]) chosen.push_back(i);
  }
  Rng rng(0, "images of classes");
  rng.shuffle(std::span(chosen));
  if (chosen.size() > most) chosen.resize(most);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace atl::study
