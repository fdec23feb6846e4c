#include "common/tensor/manifest.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/tensors.h"

namespace atl {
namespace {

using testing::spec;

TEST(DType, TableIsPinned) {
  const std::tuple<DType, uint32_t, const char*, size_t, bool> table[] = {
      {DType::kF32, 1, "F32", 4, true},  {DType::kF64, 2, "F64", 8, true},
      {DType::kF16, 3, "F16", 2, true},  {DType::kBF16, 4, "BF16", 2, true},
      {DType::kI64, 5, "I64", 8, false}, {DType::kI32, 6, "I32", 4, false},
      {DType::kU8, 7, "U8", 1, false}};
  for (const auto& [dtype, number, name, size, floating] : table) {
    EXPECT_EQ(static_cast<uint32_t>(dtype), number);
    EXPECT_EQ(to_string(dtype), name);
    EXPECT_EQ(dtype_from_string(name), dtype);
    EXPECT_EQ(dtype_from_wire(number), dtype);
    EXPECT_EQ(size_of(dtype), size);
    EXPECT_EQ(is_float(dtype), floating);
  }
  for (uint32_t number : {0u, 8u, 255u, 257u, 0xffffffffu})
    EXPECT_FALSE(dtype_from_wire(number).has_value()) << number;
  EXPECT_FALSE(dtype_from_string("f32").has_value());
}

TEST(Role, TableIsPinned) {
  const char* names[] = {"conv_weight", "linear_weight", "bias",       "norm_gamma", "norm_beta",
                         "norm_mean",   "norm_var",      "norm_count", "mix_logit",  "ws_gain",
                         "head_weight", "head_bias",     "buffer",     "embedding"};
  const std::set<std::string> frozen{"norm_mean", "norm_var", "norm_count", "buffer"};
  uint32_t number = 1;
  for (const char* name : names) {
    const auto role = role_from_wire(number++);
    ASSERT_TRUE(role.has_value()) << name;
    EXPECT_EQ(to_string(*role), name);
    EXPECT_EQ(role_from_string(name), role);
    EXPECT_EQ(is_trainable(*role), frozen.count(name) == 0) << name;
  }
  EXPECT_FALSE(role_from_wire(0).has_value());
  EXPECT_FALSE(role_from_wire(number).has_value());
  EXPECT_FALSE(role_from_wire(256 + 1).has_value());
  EXPECT_FALSE(role_from_string("weight").has_value());
}

TEST(Manifest, FlatOrderIsByElementSizeThenRegistration) {
  const auto manifest =
      Manifest::make({spec("u", DType::kU8, {3}), spec("h", DType::kF16, {3}),
                      spec("a", DType::kF32, {2, 3}), spec("n", DType::kI64, {}),
                      spec("b", DType::kI32, {1}), spec("empty", DType::kF64, {0, 7}),
                      spec("d", DType::kF64, {2})})
          .value();
  std::vector<std::string> names;
  std::vector<uint64_t> offsets;
  for (const auto& tensor : manifest.tensors()) {
    names.push_back(tensor.name);
    offsets.push_back(tensor.offset);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"n", "empty", "d", "a", "b", "h", "u"}));
  EXPECT_EQ(offsets, (std::vector<uint64_t>{0, 8, 8, 24, 48, 52, 58}));
  EXPECT_EQ(manifest.total_bytes(), 61u);
  EXPECT_EQ(manifest.total_elements(), 1u + 0 + 2 + 6 + 1 + 3 + 3);
  EXPECT_EQ(manifest.find("b")->elements, 1u);
  EXPECT_EQ(manifest.find("none"), nullptr);
  // The empty tensor has no bytes, so the search goes past it.
  EXPECT_EQ(manifest.first_at(0), 0u);
  EXPECT_EQ(manifest.first_at(7), 0u);
  EXPECT_EQ(manifest.first_at(8), 2u);
  EXPECT_EQ(manifest.first_at(60), 6u);
  EXPECT_EQ(manifest.first_at(61), 7u);
}

std::string refused(std::vector<TensorSpec> tensors) {
  auto made = Manifest::make(std::move(tensors));
  if (made) return "accepted";
  EXPECT_EQ(made.error().code(), ErrorCode::kProtocol);
  return made.error().message();
}

TEST(Manifest, RefusesEveryKindOfBadTensor) {
  const auto f32 = DType::kF32;
  EXPECT_EQ(refused({spec("", f32, {1})}), "tensor \"\" has a name of a wrong length");
  EXPECT_NE(refused({spec(std::string(257, 'a'), f32, {1})}).find("wrong length"),
            std::string::npos);
  EXPECT_EQ(refused({spec(std::string(256, 'a'), f32, {1})}), "accepted");
  for (const char* name : {"a b", "a/b", "a\"b", "\xc3\xa4", "a\n"})
    EXPECT_NE(refused({spec(name, f32, {1})}).find("characters other than"), std::string::npos);
  // It would take the place of the file's own metadata.
  EXPECT_NE(refused({spec("__metadata__", f32, {1})}).find("metadata"), std::string::npos);
  EXPECT_EQ(refused({spec("a", f32, {1}), spec("a", f32, {2})}), "tensor \"a\" appears twice");
  EXPECT_EQ(refused({spec("a", f32, {-1})}), "tensor \"a\" has a negative extent");
  EXPECT_EQ(refused({spec("a", f32, std::vector<int64_t>(9, 1))}),
            "tensor \"a\" has more than 8 dimensions");
  EXPECT_EQ(refused({spec("a", f32, std::vector<int64_t>(8, 1))}), "accepted");
  // Products that wrap around 2^64, and one that does not but is beyond any machine.
  EXPECT_EQ(refused({spec("a", f32, {1ll << 32, 1ll << 32})}), "tensor \"a\" is too large");
  EXPECT_EQ(refused({spec("a", f32, {1ll << 62, 4, 1ll << 62})}), "tensor \"a\" is too large");
  EXPECT_EQ(refused({spec("a", f32, {INT64_MAX, INT64_MAX, 0})}), "tensor \"a\" is too large");
  EXPECT_EQ(refused({spec("a", f32, {1ll << 43})}), "a model of more than 2^44 bytes");
  EXPECT_EQ(
      refused({spec("a", f32, {1ll << 41}), spec("b", f32, {1ll << 41}), spec("c", f32, {1})}),
      "a model of more than 2^44 bytes");
}

TEST(Manifest, DigestSeesNameTypeShapeRoleAndOrder) {
  const auto digest = [](std::vector<TensorSpec> tensors) {
    return hex(Manifest::make(std::move(tensors)).value().digest());
  };
  std::set<std::string> seen;
  const auto a = spec("a", DType::kF32, {2, 3}), b = spec("b", DType::kF32, {1});
  seen.insert(digest({a, b}));
  seen.insert(digest({b, a}));
  seen.insert(digest({a}));
  seen.insert(digest({spec("a", DType::kI32, {2, 3}), b}));
  seen.insert(digest({spec("a", DType::kF32, {3, 2}), b}));
  seen.insert(digest({spec("a", DType::kF32, {6}), b}));
  seen.insert(digest({spec("c", DType::kF32, {2, 3}), b}));
  seen.insert(digest({spec("a", DType::kF32, {2, 3}, Role::kBias), b}));
  EXPECT_EQ(seen.size(), 8u);
  EXPECT_EQ(digest({a, b}), digest({a, b}));
}

TEST(Manifest, DescribesTheFirstDifferences) {
  const auto ours = Manifest::make({spec("a", DType::kF32, {2, 3}, Role::kBias),
                                    spec("b", DType::kF32, {}), spec("c", DType::kF32, {4})})
                        .value();
  const auto theirs =
      Manifest::make({spec("a", DType::kF32, {2, 4}, Role::kBias), spec("b", DType::kF32, {})})
          .value();
  EXPECT_EQ(Manifest::describe_difference(ours, ours), "no difference");
  EXPECT_EQ(Manifest::describe_difference(ours, theirs),
            "a F32[2,3] bias | a F32[2,4] bias; c F32[4] buffer | (none)");
}

}  // namespace
}  // namespace atl
