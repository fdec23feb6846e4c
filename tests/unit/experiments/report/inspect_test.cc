#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "common/core/file.h"
#include "experiments/inspect/inspect_verb.h"
#include "experiments/inspect/tensor_statistics.h"
#include "tests/support/temporary_folder.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::json;

class InspectTest : public ::testing::Test {
 protected:
  // Tensors of 4-byte floats.
  std::string write(const std::vector<std::pair<std::string, std::vector<float>>>& tensors) {
    std::vector<TensorSpec> specs;
    Bytes flat;
    for (const auto& [name, values] : tensors) {
      TensorSpec spec;
      spec.name = name;
      spec.shape = {static_cast<int64_t>(values.size())};
      spec.role = Role::kLinearWeight;
      specs.push_back(spec);
      const auto bytes = std::as_bytes(std::span(values));
      flat.insert(flat.end(), bytes.begin(), bytes.end());
    }
    const auto path = folder_.path() + "/model.safetensors";
    const auto manifest = Manifest::make(std::move(specs)).value();
    EXPECT_TRUE(write_safetensors(path, manifest, {{"round", "7"}}, ByteView(flat)).ok());
    return path;
  }
  // Any header before any data; `size` bytes of data in all, zeros where `data` ends.
  std::string write_raw(const std::string& header, const std::string& data, uint64_t size) {
    const auto path = folder_.path() + "/raw.safetensors";
    auto file = File::create(path).value();
    const uint64_t length = header.size();
    EXPECT_TRUE(file.write_at(0, std::as_bytes(std::span(&length, 1))).ok());
    EXPECT_TRUE(file.write_at(8, as_bytes(header)).ok());
    EXPECT_TRUE(file.write_at(8 + length, as_bytes(data)).ok());
    EXPECT_TRUE(file.truncate(8 + length + size).ok());
    return path;
  }
  Json json_of(const std::string& path) {
    std::ostringstream out;
    const auto status = inspect(path, true, out);
    EXPECT_TRUE(status.ok()) << status.error().message();
    EXPECT_EQ(out.str().find('\n'), out.str().size() - 1) << "one line";
    return Json::parse(out.str());
  }
  testing::TemporaryFolder folder_;
};

TEST_F(InspectTest, NumbersAreThoseOnPaper) {
  // Mean 2.5, variance (2.25 + 0.25 + 0.25 + 2.25) / 4 = 1.25, norm sqrt(30).
  const auto found = json_of(write({{"fc.weight", {1, 2, 3, 4}}, {"fc.bias", {-3}}}));
  EXPECT_EQ(found["verified"], true);
  EXPECT_EQ(found["elements"], 5);
  EXPECT_EQ(found["metadata"]["round"], "7");
  EXPECT_FALSE(found["metadata"].contains("role:fc.weight"));
  const auto& weight = found["tensors"][0];
  EXPECT_EQ(weight["name"], "fc.weight");
  EXPECT_EQ(weight["role"], "linear_weight");
  EXPECT_EQ(weight["min"], 1);
  EXPECT_EQ(weight["max"], 4);
  EXPECT_DOUBLE_EQ(weight["mean"], 2.5);
  EXPECT_DOUBLE_EQ(weight["std"], std::sqrt(1.25));
  EXPECT_DOUBLE_EQ(weight["norm"], std::sqrt(30));
  const auto& bias = found["tensors"][1];
  EXPECT_EQ(bias["min"], -3);
  EXPECT_EQ(bias["std"], 0);
}

TEST_F(InspectTest, FlagsWhatIsNotFinite) {
  const auto path = write({{"w", {NAN, 1, INFINITY, 3, -INFINITY}}, {"all", {NAN, NAN}}});
  const auto found = json_of(path);
  EXPECT_EQ(found["not_finite"], 5);
  EXPECT_EQ(found["tensors"][0]["nan"], 1);
  EXPECT_EQ(found["tensors"][0]["inf"], 2);
  EXPECT_EQ(found["tensors"][0]["mean"], 2) << "of the finite ones";
  EXPECT_TRUE(found["tensors"][1]["mean"].is_null());
  std::ostringstream out;
  ASSERT_TRUE(inspect(path, false, out).ok());
  EXPECT_NE(out.str().find("<- not finite"), std::string::npos);
  EXPECT_NE(out.str().find("5 elements are not finite"), std::string::npos);
}

TEST_F(InspectTest, ReadsEveryElementType) {
  // 1 and -2 (1 and 200 for bytes) in each type; the data stand in the order of the header.
  const char data[] =
      "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0"            // F64
      "\1\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff"  // I64
      "\1\0\0\0\xfe\xff\xff\xff"                          // I32
      "\0\x3c\0\xc0"                                      // F16
      "\x80\x3f\0\xc0"                                    // BF16
      "\1\xc8";                                           // U8
  const std::string header = R"({"f64":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},)"
                             R"("i64":{"dtype":"I64","shape":[2],"data_offsets":[16,32]},)"
                             R"("i32":{"dtype":"I32","shape":[2],"data_offsets":[32,40]},)"
                             R"("f16":{"dtype":"F16","shape":[2],"data_offsets":[40,44]},)"
                             R"("bf16":{"dtype":"BF16","shape":[1,2],"data_offsets":[44,48]},)"
                             R"("u8":{"dtype":"U8","shape":[2],"data_offsets":[48,50]},)"
                             R"("none":{"dtype":"F32","shape":[0],"data_offsets":[50,50]}})";
  const auto found = json_of(write_raw(header, std::string(data, 50), 50));
  ASSERT_EQ(found["tensors"].size(), 7u);
  EXPECT_TRUE(found["verified"].is_null()) << "no hash in the header";
  for (const auto& tensor : found["tensors"]) {
    const std::string name = tensor["name"];
    EXPECT_TRUE(tensor["role"].is_null());
    if (name == "none") {
      EXPECT_TRUE(tensor["min"].is_null());
      continue;
    }
    EXPECT_EQ(tensor["min"], name == "u8" ? 1 : -2) << name;
    EXPECT_EQ(tensor["max"], name == "u8" ? 200 : 1) << name;
  }
}

TEST_F(InspectTest, DamagedDataAreShownAndRefused) {
  const auto path = write({{"w", {1, 2, 3, 4}}});
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('\x41');
  file.close();
  std::ostringstream out;
  const auto status = inspect(path, true, out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kModel);
  EXPECT_FALSE(status.error().hint().empty());
  EXPECT_EQ(Json::parse(out.str())["verified"], false);
}

TEST_F(InspectTest, BrokenFilesSayWhatIsWrong) {
  const auto path = folder_.path() + "/bad.safetensors";
  const std::string cases[] = {"", "short", std::string(8, '\xff'), std::string(8, '\0') + "{}",
                               "\2\0\0\0\0\0\0\0{}x"};
  for (const auto& text : cases) {
    std::ofstream(path, std::ios::binary) << text;
    std::ostringstream out;
    const auto status = inspect(path, false, out);
    if (!status.ok()) {
      EXPECT_EQ(status.error().code(), ErrorCode::kModel);
      EXPECT_NE(status.error().message().find("is not a valid safetensors file"),
                std::string::npos);
      EXPECT_FALSE(status.error().hint().empty());
      EXPECT_EQ(out.str(), "");
    } else {
      ADD_FAILURE() << "taken: " << text.size() << " bytes";
    }
  }
  std::ostringstream out;
  EXPECT_EQ(inspect(folder_.path() + "/none", false, out).error().code(), ErrorCode::kIo);
}

TEST(TensorStatistics, PiecesMakeNoDifference) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(1e6, 1e-3);  // a small spread on a large mean
  std::vector<double> values(10'000);
  for (auto& value : values) value = normal(random);
  StatisticsMaker whole, pieces;
  whole.add(values);
  for (size_t at = 0; at < values.size();) {
    const size_t n = std::min<size_t>(values.size() - at, random() % 700);
    pieces.add(std::span(values).subspan(at, n));
    at += n;
  }
  const auto a = whole.finish(), b = pieces.finish();
  EXPECT_EQ(a.finite, b.finite);
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_NEAR(a.std, 1e-3, 1e-4) << "seed " << seed;
  EXPECT_NEAR(a.std, b.std, 1e-12) << "seed " << seed;
  EXPECT_NEAR(a.mean, b.mean, 1e-9) << "seed " << seed;
}

// Sanitizers keep memory of their own, which the limit would count.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Of the first tensor, found with `room` bytes more than the process has now.
double norm_in_little_memory(const std::string& path, uint64_t room) {
  unsigned long pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + room;
  const rlimit value{limit, limit};
  setrlimit(RLIMIT_AS, &value);
  std::ostringstream out;
  if (!inspect(path, true, out)) return -1;
  return Json::parse(out.str())["tensors"][0]["norm"].get<double>();
}

TEST_F(InspectTest, LargeTensorsPassThroughLittleMemory) {
  constexpr uint64_t bytes = 128ull << 20;
  const std::string header = R"({"w":{"dtype":"F32","shape":[33554432],"data_offsets":[0,)" +
                             std::to_string(bytes) + "]}}";
  const float first[] = {3, -4};
  const auto path =
      write_raw(header, std::string(reinterpret_cast<const char*>(first), sizeof(first)), bytes);
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_EXIT(std::_Exit(norm_in_little_memory(path, bytes / 4) == 5 ? 0 : 1),
              ::testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace atl::workbench
