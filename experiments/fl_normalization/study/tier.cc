#include "experiments/fl_normalization/study/tier.h"

#include <algorithm>

namespace atl::study {
namespace {

const std::vector<double> kGrid{0.003, 0.01, 0.03, 0.1, 0.3};
constexpr std::string_view kSets[] = {"cifar10", "fashion_mnist", "mnist", "digits"};
const std::vector<Method> kAllNorms{{"none"}, {"bn"}, {"ln"}, {"gn:2"}, {"in"}};

std::vector<Method> with(std::vector<Method> methods, const std::vector<Method>& more) {
  methods.insert(methods.end(), more.begin(), more.end());
  return methods;
}

Tier smoke() {
  Tier tier{.name = "smoke", .budget_minutes = 3, .grid = {0.03, 0.1}, .probe_seconds = 0.5};
  Block block;
  block.base.clients = 10;
  block.base.images = 100;
  block.base.cohort = 4;
  block.methods = with({{"none"}, {"bn"}, {"ln"}, {"gn:2"}}, {{"bn", "pooled"}, {"bn", "fedtan"}});
  block.seeds = {1, 2};
  block.images = 8 * block.base.images_per_round();
  block.most_rounds = 8;
  block.measures = 2;
  block.name = "lenet";
  tier.blocks = {block};
  return tier;
}

Tier cpu() {
  Tier tier{.name = "cpu", .budget_minutes = 65, .grid = kGrid};
  Block block;
  block.methods = with(kAllNorms, {{"bn", "pooled"}, {"bn", "fedbn"}, {"bn", "fedtan"}});
  block.seeds = {1, 2, 3};
  block.images = 60 * block.base.images_per_round();
  block.measures = 8;
  block.name = "lenet";
  // Another set, which is learnt in fewer rounds.
  Block clothes = block;
  clothes.base.data = "fashion_mnist";
  clothes.methods = {{"none"}, {"bn"}, {"ln"}, {"gn:2"}, {"bn", "pooled"}};
  clothes.images = 30 * block.base.images_per_round();
  clothes.name = "fashion_mnist lenet";
  // Where the map saw the published order: one class a client, few images, one epoch, and rounds
  // enough. The seeds are others than those that found it.
  Block narrow;
  narrow.base.data = "fashion_mnist";
  narrow.base.partition = "1cls";
  narrow.base.images = 50;
  narrow.base.epochs = 1;
  narrow.base.cohort = 5;
  narrow.methods = {{"none"}, {"bn"}, {"ln"}, {"gn:2"}, {"bn", "pooled"}};
  narrow.seeds = {4, 5, 6, 7, 8};
  narrow.images = 240 * narrow.base.images_per_round();
  narrow.measures = 8;
  narrow.name = "fashion_mnist lenet, one class a client";
  Block deep = block;
  deep.base.model = "vgg_mini";
  deep.methods = {{"none"}, {"bn"}, {"ln"}};
  deep.seeds = {1};
  deep.images = 24 * deep.base.images_per_round();
  deep.measures = 3;
  deep.may_go = true;
  deep.name = "vgg_mini";
  tier.blocks = {block, clothes, narrow, deep};
  return tier;
}

// Clients of 20, 5 a round: what changes is how the labels lie, how much a client has, and how long
// it trains by itself. On Fashion-MNIST: of CIFAR-10, two hours of two cores teach a network with
// one class a client nothing, and where nothing is learnt nothing differs.
Tier regimes() {
  Tier tier{.name = "long", .budget_minutes = 120, .grid = kGrid};
  for (const char* partition : {"1cls", "2cls", "5cls", "dir0.1", "dir0.5", "iid"}) {
    for (const uint32_t images : {50U, 250U}) {
      for (const uint32_t epochs : {1U, 10U}) {
        Block block;
        block.base.data = "fashion_mnist";
        block.base.partition = partition;
        block.base.images = images;
        block.base.epochs = epochs;
        block.base.cohort = 5;
        block.methods = {{"none"}, {"bn"}, {"ln"}};
        block.seeds = {1, 2, 3};
        block.images = 120'000;
        block.least_rounds = 8;
        block.most_rounds = 240;
        block.measures = 2;
        block.name = std::string(partition) + " " + std::to_string(images) + " images, E " +
                     std::to_string(epochs);
        tier.blocks.push_back(block);
      }
    }
  }
  return tier;
}

Tier gpu() {
  Tier tier{.name = "gpu", .budget_minutes = 40, .grid = kGrid};
  for (const char* model : {"lenet", "vgg11", "resnet18"}) {
    Block block;
    block.base.model = model;
    block.base.clients = 100;
    block.base.cohort = 10;
    block.base.epochs = 1;
    block.base.batch = 64;
    block.methods = {{"none"}, {"bn"}, {"ln"}, {"gn:8"}, {"bn", "pooled"}};
    // gn:8 does not divide the 6 channels of lenet.
    if (block.base.model == "lenet") block.methods[3] = {"gn:2"};
    block.seeds = {1};
    block.images = 300 * block.base.images_per_round();
    block.measures = 6;
    block.name = model;
    tier.blocks.push_back(block);
  }
  return tier;
}

}  // namespace

std::vector<std::string> tier_names() { return {"smoke", "cpu", "long", "gpu"}; }

Result<Tier> make_tier(const std::string& name, const std::optional<std::string>& data) {
  Tier tier;
  if (name == "smoke")
    tier = smoke();
  else if (name == "cpu")
    tier = cpu();
  else if (name == "long")
    tier = regimes();
  else if (name == "gpu")
    tier = gpu();
  else
    return Error(ErrorCode::kConfig, "no tier of the study is named \"" + name + "\"")
        .hint("--tier smoke, cpu, long or gpu");
  if (!data) return tier;
  if (std::find(std::begin(kSets), std::end(kSets), *data) == std::end(kSets))
    return Error(ErrorCode::kConfig, "the study is of images of ten classes, not of " + *data)
        .hint("--set cifar10, fashion_mnist, mnist or digits");
  // Blocks of a tier's second set would be the first ones again.
  const auto first = tier.blocks.front().base.data;
  std::erase_if(tier.blocks, [&](const Block& block) { return block.base.data != first; });
  for (auto& block : tier.blocks) block.base.data = *data;
  return tier;
}

}  // namespace atl::study
