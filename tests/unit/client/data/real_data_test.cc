// The real sets, where the environment variable ATOLL_DATA names a folder of them: one test for
// each set that is there. Without the variable these tests do not exist, so none passes unrun.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "client/data/catalogue.h"
#include "client/data/locate.h"
#include "client/data/moments.h"
#include "client/data/open.h"

namespace atl::data {
namespace {

std::vector<size_t> class_counts(const Dataset& set) {
  std::vector<size_t> counts(set.classes);
  for (const uint32_t label : set.labels) ++counts[label];
  return counts;
}

class RealData : public ::testing::Test {
 public:
  RealData(const SetEntry& set, std::string folder) : set_(set), folder_(std::move(folder)) {}

  void TestBody() override {
    auto splits = open_dataset(set_.name, folder_);
    ASSERT_TRUE(splits.ok()) << splits.error().explain();
    for (const auto& part : {splits->train, splits->test}) {
      EXPECT_EQ(part->name, set_.name);
      EXPECT_EQ(part->bytes.size() + part->values.size(), part->size() * part->example_elements());
      for (const size_t count : class_counts(*part)) EXPECT_GT(count, 0U);
    }
    check_moments(*splits->train);
    if (const auto known = kCounts.find(set_.name); known != kCounts.end()) {
      EXPECT_EQ(class_counts(*splits->train), known->second);
    }
  }

 private:
  // The catalogue's mean and deviation are the training part's, to the digits that it gives.
  void check_moments(const Dataset& train) {
    Dataset copy = train;
    set_moments(copy);
    for (size_t c = 0; c < copy.mean.size(); ++c) {
      EXPECT_NEAR(copy.mean[c], set_.mean[c], 6e-5);
      EXPECT_NEAR(copy.std[c], set_.std[c], 6e-5);
    }
  }

  static const std::map<std::string, std::vector<size_t>> kCounts;
  const SetEntry& set_;
  std::string folder_;
};

// As published: MNIST's and CIFAR-10's own pages, UCI's descriptions.
const std::map<std::string, std::vector<size_t>> RealData::kCounts{
    {"mnist", {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
    {"fashion_mnist", std::vector<size_t>(10, 6000)},
    {"cifar10", std::vector<size_t>(10, 5000)},
    {"adult", {24720, 7841}},
};

class RealDataFolder : public ::testing::Test {
 public:
  explicit RealDataFolder(std::string folder) : folder_(std::move(folder)) {}
  void TestBody() override {
    FAIL() << "ATOLL_DATA=" << folder_ << " holds no set of the catalogue";
  }

 private:
  std::string folder_;
};

const bool registered = [] {
  const char* folder = std::getenv("ATOLL_DATA");
  if (folder == nullptr || *folder == 0) return false;
  size_t found = 0;
  for (const auto& set : catalogue()) {
    auto place = locate(set, folder);
    if (!place) continue;
    ++found;
    ::testing::RegisterTest(
        "RealData", set.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [&set, place = *place]() -> RealData* { return new RealData(set, place); });
  }
  if (found == 0)
    ::testing::RegisterTest(
        "RealData", "FolderHoldsASet", nullptr, nullptr, __FILE__, __LINE__,
        [path = std::string(folder)]() -> RealDataFolder* { return new RealDataFolder(path); });
  return true;
}();

}  // namespace
}  // namespace atl::data
