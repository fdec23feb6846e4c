#include "client/data/indices.h"

#include "tests/support/packed.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

TEST(IndexFile, ComesBackAsItWasWritten) {
  const Indices indices{5, 0, 999999};
  auto back = parse_indices(as_bytes(to_text(indices)), "f", 1000000);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(*back, indices);
}

TEST(IndexFile, MayBeEmptyAndMayEndWithoutALineEnd) {
  EXPECT_EQ(parse_indices({}, "f", 3)->size(), 0U);
  EXPECT_EQ(*parse_indices(as_bytes("1\r\n\n2"), "f", 3), (Indices{1, 2}));
}

TEST(IndexFile, BoundsDuplicatesAndOtherTextAreRefusedWithTheirLine) {
  expect_error(parse_indices(as_bytes("0\n3\n"), "f", 3), ErrorCode::kData,
               {"f:2", "index 3", "3 examples"});
  expect_error(parse_indices(as_bytes("0\n1\n0\n"), "f", 3), ErrorCode::kData, {"f:3", "twice"});
  for (const char* bad : {"-1", "1 2", "one", "1.0", "4294967296", "0x1"})
    expect_error(parse_indices(as_bytes(bad), "f", 3), ErrorCode::kData, {"f:1", "not an index"});
}

}  // namespace
}  // namespace atl::data
