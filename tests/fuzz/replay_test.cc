// Every fuzz target lives through its seeds and through what once broke it (tests/fuzz/corpus), in
// the ordinary build: targets do not rot, and findings do not come back.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/core/file.h"
#include "common/core/log.h"
#include "tests/fuzz/target.h"

namespace atl::fuzz {
namespace {

std::vector<std::string> corpus_of(const Target& target) {
  std::vector<std::string> paths;
  std::error_code none;
  for (const auto& entry :
       std::filesystem::directory_iterator(ATOLL_FUZZ_CORPUS "/" + target.name, none))
    paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Replay : public ::testing::TestWithParam<Target> {};

TEST_P(Replay, LivesThroughSeedsAndCorpus) {
  const auto& target = GetParam();
  log::set_level(log::Level::kOff);
  target.run({});
  const auto seeds = target.seeds();
  EXPECT_FALSE(seeds.empty());
  for (const auto& seed : seeds) {
    target.run(seed);
    // Cut short as well.
    for (size_t size = seed.size() / 2; size > 0; size /= 2) target.run(ByteView(seed).first(size));
  }
  for (const auto& path : corpus_of(target)) {
    SCOPED_TRACE(path);
    const auto input = read_text(path);
    ASSERT_TRUE(input.ok());
    target.run(as_bytes(*input));
  }
}

// Asked for when gtest starts, after every target has registered itself.
std::vector<Target> sorted_targets() {
  auto all = targets();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}
INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, ::testing::ValuesIn(sorted_targets()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace atl::fuzz
