#include "common/tensor/safetensors.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "common/core/rng.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

using testing::bytes_of;
using testing::spec;
using testing::TemporaryFolder;
using testing::values_of;

// A file from its header's text and its data, nothing checked.
std::string raw(const std::string& header, const std::string& data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return file + header + data;
}

class Safetensors : public ::testing::Test {
 protected:
  std::string put(const std::string& bytes) {
    const std::string path = folder_.path() + "/m.safetensors";
    EXPECT_TRUE(write_atomic(path, bytes).ok());
    return path;
  }
  std::string refused(const std::string& bytes) {
    auto file = SafetensorsFile::open(put(bytes));
    if (file) return "accepted";
    EXPECT_EQ(file.error().code(), ErrorCode::kModel);
    return file.error().message();
  }
  std::string refused_header(const std::string& header, const std::string& data = "") {
    return refused(raw(header, data));
  }
  TemporaryFolder folder_;
};
#define EXPECT_SAYS(text, part)                            \
  do {                                                     \
    const std::string said = (text);                       \
    EXPECT_NE(said.find(part), std::string::npos) << said; \
  } while (false)

// One file written by hand: two tensors, the later one first, a scalar, an empty one.
TEST_F(Safetensors, ReadsAFileWrittenByHand) {
  const std::string header = R"({"__metadata__":{"format":"pt","role:w":"linear_weight"},)"
                             R"("b":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
                             R"("w":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},)"
                             R"("e":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}})";
  auto file = SafetensorsFile::open(put(raw(header, std::string("\x00\x3c\x00\x40\x00\x42\x00\x44"
                                                                "\x00\x00\xc0\x3f",
                                                                12))))
                  .value();
  EXPECT_FALSE(file.is_flat());  // flat order puts the four-byte elements first
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const auto& tensors = file.manifest().tensors();
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].name, "b");
  EXPECT_TRUE(tensors[0].shape.empty());
  EXPECT_EQ(tensors[1].name, "e");
  EXPECT_EQ(tensors[1].bytes(), 0u);
  EXPECT_EQ(tensors[2].name, "w");
  EXPECT_EQ(tensors[2].role, Role::kLinearWeight);
  EXPECT_EQ(tensors[0].role, Role::kOtherBuffer);
  Bytes flat(12);
  ASSERT_TRUE(file.read_flat(0, flat).ok());
  EXPECT_EQ(values_of<float>(ByteView(flat).first(4)), std::vector<float>{1.5f});
  EXPECT_EQ(values_of<uint16_t>(ByteView(flat).subspan(4)),
            (std::vector<uint16_t>{0x3c00, 0x4000, 0x4200, 0x4400}));
  Bytes part(4);  // the end of one tensor and the start of the next
  ASSERT_TRUE(file.read_flat(2, part).ok());
  EXPECT_EQ(part, Bytes(flat.begin() + 2, flat.begin() + 6));
  EXPECT_TRUE(file.verify().ok());  // it names no hash
}

Manifest sample() {
  return Manifest::make({spec("a.weight", DType::kF32, {3, 5}, Role::kConvWeight),
                         spec("a.bias", DType::kF32, {3}, Role::kBias),
                         spec("n.num_batches", DType::kI64, {}, Role::kNormCount),
                         spec("none", DType::kF64, {0}, Role::kEmbedding),
                         spec("none2", DType::kF64, {4, 0}, Role::kEmbedding),
                         spec("h", DType::kBF16, {7}, Role::kHeadWeight),
                         spec("u", DType::kU8, {3}, Role::kOtherBuffer)})
      .value();
}

TEST_F(Safetensors, WhatIsWrittenIsRead) {
  const auto manifest = sample();
  Rng rng(1, "safetensors");
  Bytes flat(manifest.total_bytes());
  for (auto& b : flat) b = static_cast<std::byte>(rng.next_u32());
  const std::string path = folder_.path() + "/w.safetensors";
  const auto digest = write_safetensors(path, manifest, {{"round", "7"}, {"odd", "q\"\xff"}}, flat);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(*digest, sha256(flat));
  auto file = SafetensorsFile::open(path).value();
  EXPECT_TRUE(file.is_flat());
  EXPECT_EQ(file.manifest().digest(), manifest.digest());
  EXPECT_EQ(file.manifest().tensors(), manifest.tensors());
  EXPECT_EQ(file.metadata().at("round"), "7");
  EXPECT_EQ(file.metadata().at("data_sha256"), hex(*digest));
  EXPECT_EQ(file.metadata().at("role:a.bias"), "bias");
  EXPECT_TRUE(file.verify().ok());
  EXPECT_EQ(file.data_digest().value(), *digest);
  Bytes back(flat.size());
  ASSERT_TRUE(file.read_flat(0, back).ok());
  EXPECT_EQ(back, flat);
  // Data begin at a multiple of 8, so that a mapped file is aligned.
  EXPECT_EQ((read_text(path).value().size() - flat.size()) % 8, 0u);
}

TEST_F(Safetensors, VerifyCatchesAFlippedBitAnywhereInTheData) {
  const auto manifest = sample();
  const std::string path = folder_.path() + "/w.safetensors";
  ASSERT_TRUE(write_safetensors(path, manifest, {}, Bytes(manifest.total_bytes())).ok());
  const auto good = read_text(path).value();
  for (size_t back : {size_t{1}, manifest.total_bytes() / 2, manifest.total_bytes()}) {
    auto bad = good;
    bad[bad.size() - back] ^= 1;
    auto file = SafetensorsFile::open(put(bad)).value();
    const auto verified = file.verify();
    ASSERT_FALSE(verified.ok());
    EXPECT_EQ(verified.error().code(), ErrorCode::kModel);
  }
}

TEST_F(Safetensors, FillIsAskedForConsecutiveRangesOfAtMostOneMebibyte) {
  const auto manifest = Manifest::make({spec("a", DType::kU8, {(2 << 20) + 5})}).value();
  std::vector<std::pair<uint64_t, size_t>> asked;
  const auto written = write_safetensors(folder_.path() + "/w", manifest, {},
                                         [&asked](uint64_t offset, MutableByteView out) {
                                           asked.emplace_back(offset, out.size());
                                           for (auto& b : out) b = std::byte{1};
                                           return Status();
                                         });
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(asked, (std::vector<std::pair<uint64_t, size_t>>{
                       {0, 1 << 20}, {1 << 20, 1 << 20}, {2 << 20, 5}}));
}

TEST_F(Safetensors, AFailedFillKeepsTheOldFile) {
  const auto manifest = sample();
  const std::string path = folder_.path() + "/w";
  ASSERT_TRUE(write_safetensors(path, manifest, {}, Bytes(manifest.total_bytes())).ok());
  const auto old = read_text(path).value();
  const auto failed = write_safetensors(
      path, manifest, {},
      [](uint64_t, MutableByteView) -> Status { return Error(ErrorCode::kInternal, "void"); });
  EXPECT_EQ(failed.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(read_text(path).value(), old);
}

TEST_F(Safetensors, AnEmptyModelIsAFileToo) {
  const auto none = Manifest::make({}).value();
  const std::string path = folder_.path() + "/w";
  EXPECT_EQ(write_safetensors(path, none, {}, Bytes()).value(), sha256({}));
  EXPECT_EQ(SafetensorsFile::open(path).value().manifest().total_bytes(), 0u);
}

TEST_F(Safetensors, RefusesABadLengthOrHeader) {
  EXPECT_SAYS(refused("1234567"), "shorter than 8 bytes");
  EXPECT_SAYS(refused(raw("{}", "").substr(0, 9)), "ends inside its header");
  EXPECT_SAYS(refused(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)), "header claims");
  EXPECT_SAYS(refused(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)), "claims 100000001 bytes");
  EXPECT_SAYS(refused_header("{"), "not a JSON object");
  EXPECT_SAYS(refused_header("[]"), "not a JSON object");
  EXPECT_SAYS(refused_header(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}} x)", "1234"),
              "not a JSON object");
  EXPECT_SAYS(refused_header(R"({"__metadata__":[]})"), "metadata is not an object");
  EXPECT_SAYS(refused_header(R"({"__metadata__":{"a":1}})"), "metadata \"a\" is not text");
  EXPECT_SAYS(refused_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                             "1"),
              "appears twice");
  EXPECT_SAYS(
      refused_header(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", "1"),
      "appears twice");
  EXPECT_EQ(refused_header("{}"), "accepted");
}

TEST_F(Safetensors, RefusesABadTensor) {
  const auto with = [this](const std::string& dtype, const std::string& shape,
                           const std::string& offsets, const std::string& data) {
    return refused_header("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                              ",\"data_offsets\":" + offsets + "}}",
                          data);
  };
  EXPECT_EQ(with("\"U8\"", "[2]", "[0,2]", "12"), "accepted");
  EXPECT_SAYS(with("\"I8\"", "[2]", "[0,2]", "12"), "does not know");
  EXPECT_SAYS(with("3", "[2]", "[0,2]", "12"), "dtype that is not text");
  EXPECT_SAYS(with("\"U8\"", "2", "[0,2]", "12"), "shape that is not a list");
  EXPECT_SAYS(with("\"U8\"", "[-2]", "[0,2]", "12"), "bad extent");
  EXPECT_SAYS(with("\"U8\"", "[2.0]", "[0,2]", "12"), "bad extent");
  EXPECT_SAYS(with("\"U8\"", "[18446744073709551615]", "[0,2]", "12"), "bad extent");
  EXPECT_SAYS(with("\"U8\"", "[1048576,17592186044416,1048576]", "[0,2]", "12"), "too large");
  EXPECT_SAYS(with("\"U8\"", "[2]", "[0]", "12"), "not two numbers");
  EXPECT_SAYS(with("\"U8\"", "[2]", "[0,-2]", "12"), "not two numbers");
  EXPECT_SAYS(with("\"U8\"", "[2]", "[2,0]", "12"), "overlaps another or leaves a hole");
  EXPECT_SAYS(with("\"U8\"", "[2]", "[1,3]", "123"), "leaves a hole");
  EXPECT_SAYS(with("\"U8\"", "[3]", "[0,2]", "12"), "does not fit its shape");
  EXPECT_SAYS(with("\"F32\"", "[2]", "[0,2]", "12"), "does not fit its shape");
  EXPECT_SAYS(with("\"U8\"", "[3]", "[0,3]", "12"), "ends early");
  EXPECT_SAYS(with("\"U8\"", "[2]", "[0,2]", "123"), "bytes after its last tensor");
  EXPECT_SAYS(with("\"U8\"", "[2]", "[0,18446744073709551615]", "12"), "ends early");
  EXPECT_SAYS(refused_header(R"({"a":{"dtype":"U8","shape":[1]}})", "1"), "lacks dtype");
  EXPECT_SAYS(refused_header(R"({"a":5})", "1"), "lacks dtype");
  EXPECT_SAYS(refused_header(R"({"a b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "1"),
              "characters other than");
  EXPECT_SAYS(refused_header(R"({"__metadata__":{"role:a":"king"},)"
                             R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                             "1"),
              "unknown role king");
}

TEST_F(Safetensors, RefusesOverlapsAndHolesBetweenTensors) {
  const auto two = [this](const std::string& first, const std::string& second) {
    return refused_header(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
                              R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}",
                          "12345");
  };
  EXPECT_SAYS(two("[0,2]", "[1,3]"), "overlaps another");
  EXPECT_SAYS(two("[0,2]", "[3,5]"), "leaves a hole");
  EXPECT_SAYS(two("[0,2]", "[0,2]"), "overlaps another");
  EXPECT_SAYS(two("[0,2]", "[2,4]"), "bytes after its last tensor");
}

TEST_F(Safetensors, AMissingFileIsAnIoError) {
  EXPECT_EQ(SafetensorsFile::open(folder_.path() + "/none").error().code(), ErrorCode::kIo);
}

std::vector<TensorSpec> many(size_t count, size_t name_length) {
  std::vector<TensorSpec> tensors;
  for (size_t i = 0; i < count; ++i) {
    auto name = std::to_string(i);
    name.insert(0, name_length - name.size(), 't');
    tensors.push_back(spec(name, DType::kU8, {1}, Role::kBias));
  }
  return tensors;
}

// Header work that grew with the square of the tensors took 45 s here.
TEST_F(Safetensors, AHundredThousandTensorsOpenInReasonableTime) {
  const auto manifest = Manifest::make(many(100'000, 8)).value();
  const std::string path = folder_.path() + "/many";
  ASSERT_TRUE(can_be_written(manifest).ok());
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(write_safetensors(path, manifest, {}, Bytes(100'000)).ok());
  EXPECT_EQ(SafetensorsFile::open(path).value().manifest().digest(), manifest.digest());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

// A file over the format's limit could not be opened again.
TEST_F(Safetensors, AModelWhoseHeaderIsOverTheLimitIsNotWritten) {
  const auto manifest = Manifest::make(many(180'000, 256)).value();
  EXPECT_EQ(can_be_written(manifest).error().code(), ErrorCode::kModel);
  const std::string path = folder_.path() + "/long";
  const auto written = write_safetensors(path, manifest, {}, Bytes(180'000));
  ASSERT_FALSE(written.ok());
  EXPECT_SAYS(written.error().message(), "limit is 100 MB");
  EXPECT_FALSE(exists(path));
}

}  // namespace
}  // namespace atl
