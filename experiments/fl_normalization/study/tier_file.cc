#include "experiments/fl_normalization/study/tier_file.h"

#include <cmath>

#include "common/config/config.h"

namespace atl::study {
namespace {

constexpr config::Range kCount{.min = 1, .max = 1e6};
constexpr config::Range kPositive{.min = 1e-9};

void read_methods(config::Table& table, Block& block) {
  std::vector<std::string> texts;
  if (!table.read("methods", texts) || texts.empty())
    return table.fail("methods", R"x(names what is compared, as in ["none", "bn", "bn(pooled)"])x");
  for (const auto& text : texts) {
    auto method = parse_method(text);
    if (!method) return table.fail("methods", method.error().message());
    block.methods.push_back(std::move(*method));
  }
}

void read_seeds(config::Table& table, const Tier& tier, Block& block) {
  std::vector<double> seeds{1, 2, 3};
  table.read("seeds", seeds);
  for (const double seed : seeds) {
    if (seed < 0 || seed != std::floor(seed) || seed > 1e9)
      return table.fail("seeds", "are whole numbers up to 1e9");
    block.seeds.push_back(static_cast<uint64_t>(seed));
    if (block.seeds.back() == tier.tuning_seed)
      return table.fail("seeds", "must not have the tuning seed " +
                                     std::to_string(tier.tuning_seed) + " among them");
  }
  if (block.seeds.empty()) table.fail("seeds", "must not be empty");
}

Block read_block(config::Table table, const std::string& name, const Tier& tier) {
  Block block;
  block.name = name;
  auto& cell = block.base;
  table.read_choice("data", cell.data, {"cifar10", "fashion_mnist", "mnist", "digits"});
  table.read("model", cell.model);
  table.read("partition", cell.partition);
  if (auto good = partition_of(cell); !good) table.fail("partition", good.error().message());
  table.read("clients", cell.clients, kCount);
  table.read("images", cell.images, kCount);
  table.read("cohort", cell.cohort, kCount);
  if (cell.cohort > cell.clients) table.fail("cohort", "must not be more than clients");
  table.read("epochs", cell.epochs, kCount);
  table.read("batch", cell.batch, kCount);
  table.read("momentum", cell.momentum, {.min = 0, .max = 0.999});
  read_methods(table, block);
  read_seeds(table, tier, block);
  table.read("rounds", block.most_rounds, kCount);
  table.read("least_rounds", block.least_rounds, kCount);
  table.read("measures", block.measures, kCount);
  table.read("may_go", block.may_go);
  block.images = uint64_t{block.most_rounds} * cell.images_per_round();
  return block;
}

}  // namespace

Result<Method> parse_method(const std::string& text) {
  const auto open = text.find('(');
  const bool whole = open == std::string::npos;
  const bool closed = !whole && text.back() == ')' && text.size() > open + 2;
  if (text.empty() || open == 0 || (!whole && !closed))
    return Error(ErrorCode::kConfig, "\"" + text + "\" is not a norm, nor NORM(POLICY)");
  if (whole) return Method{text, "all"};
  return Method{text.substr(0, open), text.substr(open + 1, text.size() - open - 2)};
}

Result<Tier> load_tier(const std::string& path) {
  ATOLL_ASSIGN(auto document, config::Document::load(path));
  auto root = document.root();
  Tier tier{.name = "own", .budget_minutes = 60, .grid = {0.003, 0.01, 0.03, 0.1, 0.3}};
  root.read("name", tier.name);
  root.read("budget_minutes", tier.budget_minutes, kPositive);
  root.read("grid", tier.grid);
  if (tier.grid.empty()) root.fail("grid", "must not be empty");
  for (const double rate : tier.grid) {
    if (!(rate > 0 && rate < 1e3)) root.fail("grid", "holds learning rates above 0");
  }
  root.read("tuning_seed", tier.tuning_seed);
  root.read("tuning_share", tier.tuning_share, {.min = 0.01, .max = 1});
  std::vector<std::string> blocks;
  if (!root.read("blocks", blocks) || blocks.empty())
    root.fail("blocks", "names the tables with a setting each");
  for (const auto& name : blocks) tier.blocks.push_back(read_block(root.table(name), name, tier));
  ATOLL_TRY(document.finish());
  return tier;
}

}  // namespace atl::study
