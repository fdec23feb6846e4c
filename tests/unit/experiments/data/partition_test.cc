// Every partition scheme: disjoint, complete, reproducible to the byte, and what its definition
// says.
#include "experiments/data/partition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "experiments/data/schemes.h"
#include "tests/support/packed.h"

namespace atl::workbench {
namespace {

using data::Dataset;
using data::DataSplits;
using testing::expect_error;

// `train` examples of `classes` classes in turn, a third of that for testing, and one column.
DataSplits made_set(size_t train, uint32_t classes) {
  auto make = [&](size_t size) {
    auto set = std::make_shared<Dataset>();
    set->name = "made";
    set->shape = {1};
    set->classes = classes;
    set->values.resize(size);
    data::Column site{"site", {"a", "b", "c", "d", "none"}, {}};
    for (size_t i = 0; i < size; ++i) {
      set->labels.push_back(static_cast<uint32_t>(i % classes));
      site.codes.push_back(static_cast<uint32_t>(i % 7 % 4));
    }
    set->columns.push_back(site);
    return set;
  };
  return {make(train), make(train / 3)};
}

PartitionSpec spec_of(const std::string& scheme, uint32_t clients = 8, uint64_t seed = 1) {
  PartitionSpec spec;
  spec.scheme = scheme;
  spec.clients = scheme == "by-column" ? std::min(clients, 4U) : clients;
  spec.labels_per_client = 6;  // 8 clients then cover 10 classes at the seeds below
  spec.column = scheme == "by-column" ? "site" : "";
  spec.seed = seed;
  return spec;
}

std::set<uint32_t> labels_of(const Share& share, const Dataset& set) {
  std::set<uint32_t> labels;
  for (const uint32_t index : share.train) labels.insert(set.labels[index]);
  return labels;
}

class Scheme : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, Scheme, ::testing::ValuesIn(scheme_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(Scheme, SharesAreDisjointCompleteSortedAndLargeEnough) {
  std::random_device device;
  for (int run = 0; run < 20; ++run) {
    const uint64_t seed = device();
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto splits = made_set(997, 10);
    // As many clients as classes, so that labels-per-client covers them whatever the seed.
    auto made = make_partition(spec_of(GetParam(), 10, seed), splits);
    ASSERT_TRUE(made.ok()) << made.error().message();
    for (const bool test : {false, true}) {
      std::vector<int> seen((test ? splits.test : splits.train)->size());
      for (const auto& share : made->shares) {
        const auto& indices = test ? share.test : share.train;
        EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
        for (const uint32_t index : indices) ++seen.at(index);
      }
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<long>(seen.size()));
    }
    for (const auto& share : made->shares) EXPECT_GE(share.train.size(), 10U);
  }
}

TEST_P(Scheme, OneSeedGivesOnePartitionOnEveryMachine) {
  // Recorded once; a change of any of these silently changes every experiment.
  static const std::map<std::string, std::string> kPinned{
      {"iid", "4b3ec58f610ada1349d1473aaf61dd3a1ace8043fee74cb245569d6cfd43f564"},
      {"dirichlet", "1d5486c50ff7f89abf7e2c2fca29c166dde390fc2728efa2ecc0f0da3160c747"},
      {"dirichlet-client", "11da271b1036f18b7c59618019fba6d910faf4a41831bbc9708cb6d45a970aa6"},
      {"shards", "2b1f5e67ce854b937b3504db92eb25b39f94307e8c6113da5d50719a04c2f14f"},
      {"distinct-shards", "04ca6603a251f1146ad885a2025831492c18a9e131bd37d75562bef6e39f55f8"},
      {"quantity", "a75d83dcac394910a85d7127590b2ff75d483fb90c3307cd63e24a5afb490110"},
      {"labels-per-client", "917eb926355f27476369a3a7bce6474c7d0d638d3e7b9f132af1afe83a1cff7b"},
      {"by-column", "7da5ba94bd174b2e08a7676188ffd72cfc55dfd6ed39b575a6d03c9001157b76"},
  };
  const auto splits = made_set(600, 10);
  const auto first = make_partition(spec_of(GetParam()), splits);
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_EQ(first->sha256, kPinned.at(GetParam()));
  EXPECT_EQ(make_partition(spec_of(GetParam()), splits)->sha256, first->sha256);
  EXPECT_NE(make_partition(spec_of(GetParam(), 8, 2), splits)->sha256, first->sha256);
}

TEST_P(Scheme, TooManyClientsForTheMinimumAreRefused) {
  auto spec = spec_of(GetParam(), 4);
  spec.min_examples = 100;
  expect_error(make_partition(spec, made_set(399, 10)), ErrorCode::kData, {"399"});
}

TEST_P(Scheme, AWholeTestPartIsLeftAlone) {
  auto spec = spec_of(GetParam());
  spec.test = "whole";
  auto made = make_partition(spec, made_set(600, 10));
  ASSERT_TRUE(made.ok());
  for (const auto& share : made->shares) EXPECT_TRUE(share.test.empty());
}

TEST(Partition, NamesSortAsNumbers) {
  auto made = make_partition(spec_of("iid", 12), made_set(600, 10));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->shares.front().name, "client-01");
  EXPECT_EQ(made->shares.back().name, "client-12");
}

TEST(Partition, IidSizesDifferByOneAtMost) {
  auto made = make_partition(spec_of("iid", 7), made_set(703, 10));
  ASSERT_TRUE(made.ok());
  for (const auto& share : made->shares) {
    EXPECT_TRUE(share.train.size() == 100 || share.train.size() == 101);
    EXPECT_TRUE(share.test.size() == 33 || share.test.size() == 34);
  }
}

TEST(Partition, ShardsGiveEachClientTwoLabelsWhereClassesAreWholeShards) {
  const auto splits = made_set(1000, 10);
  auto made = make_partition(spec_of("shards", 10), splits);
  ASSERT_TRUE(made.ok());
  size_t pure = 0;
  for (const auto& share : made->shares) {
    EXPECT_EQ(share.train.size(), 100U);
    const auto labels = labels_of(share, *splits.train);
    EXPECT_LE(labels.size(), 2U);
    pure += labels.size() == 1;
  }
  EXPECT_LT(pure, 10U);  // some client has two: shards are dealt at random
}

TEST(Partition, DistinctShardsGiveEveryClientExactlySoManyLabelsAndEqualShares) {
  const auto splits = made_set(1000, 10);
  for (const auto& [clients, shards] : {std::pair(10U, 2U), {50U, 2U}, {10U, 5U}, {20U, 1U}}) {
    auto spec = spec_of("distinct-shards", clients);
    spec.shards_per_client = shards;
    auto made = make_partition(spec, splits);
    ASSERT_TRUE(made.ok()) << made.error().message();
    for (const auto& share : made->shares) {
      EXPECT_EQ(share.train.size(), 1000 / clients);
      EXPECT_EQ(labels_of(share, *splits.train).size(), shards) << share.name;
    }
  }
}

TEST(Partition, DistinctShardsOfMoreThanThereAreClassesAreRefused) {
  auto spec = spec_of("distinct-shards", 4);
  spec.shards_per_client = 3;
  expect_error(make_partition(spec, made_set(240, 2)), ErrorCode::kData, {"class in common"});
}

TEST(Partition, LabelsPerClientHoldsExactlySoMany) {
  const auto splits = made_set(1000, 10);
  auto spec = spec_of("labels-per-client", 20);
  spec.labels_per_client = 3;
  auto made = make_partition(spec, splits);
  ASSERT_TRUE(made.ok());
  for (size_t i = 0; i < made->shares.size(); ++i) {
    const auto labels = labels_of(made->shares[i], *splits.train);
    EXPECT_EQ(labels.size(), 3U);
    EXPECT_TRUE(labels.count(static_cast<uint32_t>(i % 10)));
  }
}

TEST(Partition, LabelsPerClientRefusesWhatCannotBe) {
  auto spec = spec_of("labels-per-client", 4);
  spec.labels_per_client = 1;
  expect_error(make_partition(spec, made_set(1000, 10)), ErrorCode::kData, {"nobody holds class"});
  spec.labels_per_client = 11;
  expect_error(make_partition(spec, made_set(1000, 10)), ErrorCode::kConfig, {"10 classes"});
}

TEST(Partition, ByColumnKeepsGroupsTogether) {
  const auto splits = made_set(700, 10);
  auto spec = spec_of("by-column");
  spec.clients = 0;
  auto natural = make_partition(spec, splits);
  ASSERT_TRUE(natural.ok()) << natural.error().message();
  EXPECT_EQ(natural->shares.size(), 4U);  // a value without training rows is no client
  spec.clients = 3;
  auto dealt = make_partition(spec, splits);
  ASSERT_TRUE(dealt.ok());
  std::map<uint32_t, size_t> holder;
  for (size_t j = 0; j < 3; ++j)
    for (const uint32_t index : dealt->shares[j].train)
      EXPECT_EQ(holder.emplace(splits.train->columns[0].codes[index], j).first->second, j);
}

TEST(Partition, ByColumnRefusesSetsWithoutColumns) {
  auto splits = made_set(700, 10);
  auto spec = spec_of("by-column");
  spec.column = "town";
  expect_error(make_partition(spec, splits), ErrorCode::kConfig, {"no column \"town\""});
  spec.column = "site";
  spec.clients = 5;
  expect_error(make_partition(spec, splits), ErrorCode::kData, {"4 values"});
  Dataset bare = *splits.train;
  bare.columns.clear();
  splits.train = std::make_shared<Dataset>(bare);
  expect_error(make_partition(spec, splits), ErrorCode::kData, {"has no columns"});
}

TEST(Partition, BadSpecsAreRefused) {
  const auto splits = made_set(600, 10);
  auto refuse = [&](auto change, std::string_view part) {
    auto spec = spec_of("iid");
    change(spec);
    expect_error(make_partition(spec, splits), ErrorCode::kConfig, {part});
  };
  refuse([](auto& s) { s.scheme = "fair"; }, "\"fair\"");
  refuse([](auto& s) { s.clients = 0; }, "0 clients");
  refuse([](auto& s) { s.alpha = 0; }, "alpha");
  refuse([](auto& s) { s.alpha = std::nan(""); }, "alpha");
  refuse([](auto& s) { s.shards_per_client = 0; }, "shards_per_client");
  refuse([](auto& s) { s.test = "none"; }, "\"none\"");
}

TEST(Partition, AnAlphaThatNeverFitsEndsWithAnError) {
  for (const char* scheme : {"dirichlet", "quantity"}) {
    auto spec = spec_of(scheme, 30);
    spec.alpha = 1e-4;
    expect_error(make_partition(spec, made_set(600, 10)), ErrorCode::kData, {"1000"});
  }
}

TEST(Partition, TheSpecIsReadFromItsTable) {
  auto document = config::Document::parse(
      "[partition]\nscheme = \"dirichlet\"\nclients = 4\nalpha = 0.1\ntest = \"whole\"\n", "f");
  ASSERT_TRUE(document.ok());
  auto root = document->root();
  const auto spec = read_partition_spec(root.table("partition"), 42);
  EXPECT_TRUE(document->finish().ok());
  EXPECT_EQ(spec.scheme, "dirichlet");
  EXPECT_EQ(spec.clients, 4U);
  EXPECT_EQ(spec.alpha, 0.1);
  EXPECT_EQ(spec.seed, 42U);
  EXPECT_EQ(spec.test, "whole");
  auto wrong =
      config::Document::parse("[partition]\nscheme = \"by-column\"\nalpha = 0\nclinets = 3\n", "f");
  auto wrong_root = wrong->root();
  read_partition_spec(wrong_root.table("partition"));
  const auto mistakes = wrong->finish();
  ASSERT_FALSE(mistakes.ok());
  for (const char* part : {"partition.column", "partition.alpha", "partition.clients"})
    EXPECT_THAT(mistakes.error().message(), ::testing::HasSubstr(part));
}

// Mean 1/N and variance (N-1) / (N^2 (N alpha + 1)) of each coordinate; 20,000 draws put five
// standard errors of the mean below 2 % for every alpha here.
TEST(Dirichlet, HasItsMoments) {
  constexpr size_t kN = 5, kDraws = 20'000;
  for (const double alpha : {0.1, 0.5, 1.0, 10.0}) {
    SCOPED_TRACE("alpha " + std::to_string(alpha));
    Rng rng(3, "moments");
    double sum = 0, squares = 0;
    for (size_t i = 0; i < kDraws; ++i) {
      const auto p = draw_dirichlet(rng, std::vector<double>(kN, alpha));
      EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
      sum += p[2];
      squares += p[2] * p[2];
    }
    const double mean = sum / kDraws, variance = squares / kDraws - mean * mean;
    const double wanted = (kN - 1.0) / (kN * kN * (kN * alpha + 1));
    EXPECT_NEAR(mean, 1.0 / kN, 5 * std::sqrt(wanted / kDraws));
    EXPECT_NEAR(variance / wanted, 1, 0.05);
  }
}

// A client that holds n/N examples gets nothing of later classes: no share exceeds n/N by more
// than one class.
TEST(Dirichlet, FullClientsTakeNoMore) {
  const auto splits = made_set(2000, 10);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    auto made = make_partition(spec_of("dirichlet", 5, seed), splits);
    ASSERT_TRUE(made.ok());
    for (const auto& share : made->shares) EXPECT_LT(share.train.size(), 400U + 200U);
  }
}

TEST(Dirichlet, ClientFormHasEqualSizesAndSkewedLabels) {
  const auto splits = made_set(2003, 10);
  auto spec = spec_of("dirichlet-client", 10);
  spec.alpha = 0.1;
  auto made = make_partition(spec, splits);
  ASSERT_TRUE(made.ok());
  double largest = 0;
  for (const auto& share : made->shares) {
    EXPECT_TRUE(share.train.size() == 200 || share.train.size() == 201);
    std::map<uint32_t, int> counts;
    for (const uint32_t index : share.train) ++counts[splits.train->labels[index]];
    int most = 0;
    for (const auto& [label, count] : counts) most = std::max(most, count);
    largest += most / static_cast<double>(share.train.size()) / 10;
  }
  EXPECT_GT(largest, 0.35);  // iid shares would have about 0.13
}

TEST(Dirichlet, LargeAlphaIsNearlyIid) {
  const auto splits = made_set(2000, 10);
  for (const char* scheme : {"dirichlet", "dirichlet-client"}) {
    auto spec = spec_of(scheme, 5);
    spec.alpha = 1e6;
    auto made = make_partition(spec, splits);
    ASSERT_TRUE(made.ok());
    for (const auto& share : made->shares) {
      EXPECT_NEAR(static_cast<double>(share.train.size()), 400, 40);
      EXPECT_EQ(labels_of(share, *splits.train).size(), 10U);
    }
  }
}

}  // namespace
}  // namespace atl::workbench
