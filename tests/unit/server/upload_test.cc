#include "server/store/upload.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "common/numeric/half.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

using server::Upload;
using testing::bytes_of;
using testing::operator+;
using testing::spec;

std::shared_ptr<const Manifest> one(DType dtype, int64_t elements,
                                    Role role = Role::kLinearWeight) {
  return std::make_shared<const Manifest>(
      Manifest::make({spec("w", dtype, {elements}, role)}).value());
}

// The value as one element of the type, after a good one.
Bytes after_zero(DType dtype, double value) {
  const float f = static_cast<float>(value);
  uint16_t half[2] = {};
  switch (dtype) {
    case DType::kF64:
      return bytes_of<double>({0, value});
    case DType::kF32:
      return bytes_of<float>({0, f});
    default:
      narrow(dtype, {&f, 1}, {half + 1, 1});
      return bytes_of<uint16_t>({half[0], half[1]});
  }
}

TEST(FirstBadTensor, FindsWhatIsNotFiniteOrTooLargeInEveryType) {
  const double inf = std::numeric_limits<double>::infinity();
  const double limit = std::ldexp(1.0, 40);
  for (DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}) {
    const auto manifest = one(dtype, 2);
    const auto bad = [&](double value) {
      return server::first_bad_tensor(*manifest, 0, after_zero(dtype, value)).has_value();
    };
    for (double value : {std::nan(""), -std::nan(""), inf, -inf}) EXPECT_TRUE(bad(value));
    for (double value : {0.0, -0.0, 1.0, -65504.0, 1e-30}) EXPECT_FALSE(bad(value)) << value;
    if (dtype == DType::kF16) continue;  // ends at 65,504
    EXPECT_TRUE(bad(limit)) << to_string(dtype);
    EXPECT_TRUE(bad(-limit)) << to_string(dtype);
    EXPECT_FALSE(bad(limit * 0.99)) << to_string(dtype);
    EXPECT_FALSE(bad(-limit * 0.99)) << to_string(dtype);
  }
  // Integers are always good, whatever their bits.
  const Bytes ones(16, std::byte{0xff});
  EXPECT_FALSE(server::first_bad_tensor(*one(DType::kI64, 2), 0, ones).has_value());
  EXPECT_FALSE(server::first_bad_tensor(*one(DType::kU8, 16), 0, ones).has_value());
}

TEST(FirstBadTensor, StatisticsHaveTighterRanges) {
  const auto bad = [](Role role, float value) {
    return server::first_bad_tensor(*one(DType::kF32, 1, role), 0, bytes_of<float>({value}))
        .has_value();
  };
  EXPECT_TRUE(bad(Role::kNormMean, 0x1p19f));
  EXPECT_TRUE(bad(Role::kNormMean, -0x1p19f));
  EXPECT_FALSE(bad(Role::kNormMean, -0x1.fffffep18f));
  EXPECT_TRUE(bad(Role::kNormVar, 0x1p38f));
  EXPECT_FALSE(bad(Role::kNormVar, 0x1.fffffep37f));
  EXPECT_TRUE(bad(Role::kNormVar, -1e-30f));
  EXPECT_FALSE(bad(Role::kNormVar, -0.0f));
  EXPECT_FALSE(bad(Role::kNormBeta, -1.0f));
}

TEST(FirstBadTensor, NegativeVariancesInEveryType) {
  for (DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}) {
    const auto manifest = one(dtype, 2, Role::kNormVar);
    EXPECT_TRUE(server::first_bad_tensor(*manifest, 0, after_zero(dtype, -0.5)).has_value());
    EXPECT_FALSE(server::first_bad_tensor(*manifest, 0, after_zero(dtype, 0.5)).has_value());
  }
}

TEST(FirstBadTensor, NamesTheTensorInAnyPiece) {
  const auto manifest = Manifest::make({spec("a", DType::kF32, {4}), spec("e", DType::kF32, {0}),
                                        spec("b", DType::kF32, {4})})
                            .value();
  auto flat = bytes_of<float>({1, 2, 3, 4, 5, 6, 7, NAN});
  EXPECT_EQ(server::first_bad_tensor(manifest, 0, flat), "b");
  EXPECT_EQ(server::first_bad_tensor(manifest, 0, ByteView(flat).first(24)), std::nullopt);
  EXPECT_EQ(server::first_bad_tensor(manifest, 24, ByteView(flat).subspan(24)), "b");
  flat = bytes_of<float>({1, 2, 3, INFINITY, 5, 6, 7, NAN});
  EXPECT_EQ(server::first_bad_tensor(manifest, 8, ByteView(flat).subspan(8)), "a");
}

class UploadTest : public ::testing::Test {
 protected:
  std::unique_ptr<Upload> begin(std::shared_ptr<const Manifest> manifest, const Bytes& expected) {
    return Upload::create(spool_, std::move(manifest), transfer_digest(expected)).value();
  }
  static wire::Reason refusal(Result<std::optional<server::Refusal>> result) {
    EXPECT_TRUE(result.ok());
    return *result ? (*result)->reason : wire::Reason::kNone;
  }
  testing::TemporaryFolder folder_;
  std::shared_ptr<server::Spool> spool_ = std::make_shared<server::Spool>(folder_.path());
};

TEST_F(UploadTest, TakesPiecesInOrderAndGivesThemBack) {
  const auto flat = bytes_of<float>({1, 2, 3, 4, 5});
  auto upload = begin(one(DType::kF32, 5), flat);
  EXPECT_EQ(refusal(upload->append(0, ByteView(flat).first(8))), wire::Reason::kNone);
  EXPECT_EQ(upload->received(), 8u);
  EXPECT_FALSE(upload->complete());
  EXPECT_EQ(refusal(upload->append(8, ByteView(flat).subspan(8))), wire::Reason::kNone);
  EXPECT_TRUE(upload->complete());
  EXPECT_FALSE(upload->finish().has_value());
  EXPECT_FALSE(upload->finish().has_value());  // may be asked again
  Bytes back(12);
  ASSERT_TRUE(upload->read_at(8, back).ok());
  EXPECT_EQ(back, Bytes(flat.begin() + 8, flat.end()));
}

TEST_F(UploadTest, RefusesWhatDoesNotFit) {
  const auto flat = bytes_of<float>({1, 2, 3, 4});
  auto upload = begin(one(DType::kF32, 4), flat);
  EXPECT_EQ(refusal(upload->append(8, ByteView(flat).first(8))), wire::Reason::kWrongSize);
  EXPECT_EQ(refusal(upload->append(0, ByteView(flat).first(4))), wire::Reason::kWrongSize);
  EXPECT_EQ(refusal(upload->append(0, flat + flat)), wire::Reason::kWrongSize);
  EXPECT_EQ(refusal(upload->append(0, ByteView(flat).first(8))), wire::Reason::kNone);
  EXPECT_EQ(refusal(upload->append(0, ByteView(flat).first(8))), wire::Reason::kWrongSize);
  EXPECT_EQ(refusal(upload->append(8, bytes_of<float>({3, 4, 5, 6}))), wire::Reason::kWrongSize);
  EXPECT_EQ(refusal(upload->append(8, bytes_of<float>({3, NAN}))), wire::Reason::kNotFinite);
  EXPECT_EQ(upload->received(), 8u);
  EXPECT_EQ(upload->finish()->reason, wire::Reason::kWrongSize);
  EXPECT_EQ(refusal(upload->append(8, ByteView(flat).subspan(8))), wire::Reason::kNone);
  EXPECT_EQ(refusal(upload->append(16, ByteView(flat).first(8))), wire::Reason::kWrongSize);
  EXPECT_FALSE(upload->finish().has_value());
}

TEST_F(UploadTest, RefusesBytesThatAreNotThoseOffered) {
  const auto flat = bytes_of<float>({1, 2}), other = bytes_of<float>({1, 3});
  auto upload = begin(one(DType::kF32, 2), flat);
  EXPECT_EQ(refusal(upload->append(0, other)), wire::Reason::kNone);
  EXPECT_EQ(upload->finish()->reason, wire::Reason::kWrongHash);
  EXPECT_EQ(upload->finish()->reason, wire::Reason::kWrongHash);
}

TEST_F(UploadTest, OfAnEmptyModelIsCompleteAtOnce) {
  auto upload = begin(one(DType::kF32, 0), Bytes());
  EXPECT_TRUE(upload->complete());
  EXPECT_FALSE(upload->finish().has_value());
}

// A server killed half-way leaves no spool file, and two uploads at once stay apart.
TEST_F(UploadTest, LeavesNoFileBehindEvenWhileItLives) {
  const auto flat = bytes_of<float>({1, 2}), other = bytes_of<float>({7, 8});
  auto first = begin(one(DType::kF32, 2), flat);
  ASSERT_EQ(refusal(first->append(0, flat)), wire::Reason::kNone);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  auto second = begin(one(DType::kF32, 2), other);
  ASSERT_EQ(refusal(second->append(0, other)), wire::Reason::kNone);
  Bytes back(8);
  ASSERT_TRUE(first->read_at(0, back).ok());
  EXPECT_EQ(back, flat);
}

// A file that is written over again must show nothing of the update before it.
TEST_F(UploadTest, FilesAreUsedAgainAndNeverMoreThanAtOnce) {
  for (float k = 0; k < 5; ++k) {
    const auto flat = bytes_of<float>({k, -k, 2 * k}), small = bytes_of<float>({k + 1});
    auto first = begin(one(DType::kF32, 3), flat);
    auto second = begin(one(DType::kF32, 1), small);
    ASSERT_EQ(refusal(first->append(0, flat)), wire::Reason::kNone);
    ASSERT_EQ(refusal(second->append(0, small)), wire::Reason::kNone);
    Bytes back(12), few(4);
    ASSERT_TRUE(first->read_at(0, back).ok());
    ASSERT_TRUE(second->read_at(0, few).ok());
    EXPECT_EQ(back, flat);
    EXPECT_EQ(few, small);
    EXPECT_FALSE(first->finish().has_value());
    first.reset();
    second.reset();
    EXPECT_EQ(spool_->idle(), 2u);
  }
}

TEST_F(UploadTest, WithoutASpoolFolderIsTheServersOwnError) {
  const auto made = Upload::create(std::make_shared<server::Spool>(folder_.path() + "/none"),
                                   one(DType::kF32, 1), Digest{});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace atl
