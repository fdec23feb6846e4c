#include "server/store/run_store.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "common/core/log.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

namespace fs = std::filesystem;
using server::RunStore;
using testing::bytes_of;
using testing::spec;

const Manifest& manifest() {
  static const Manifest made =
      Manifest::make({spec("w", DType::kF32, {4}, Role::kLinearWeight)}).value();
  return made;
}
Bytes weights(float value) { return bytes_of<float>({value, value, value, value}); }

class RunStoreTest : public ::testing::Test {
 protected:
  RunStoreTest() { log::set_level(log::Level::kOff); }
  std::unique_ptr<RunStore> open(uint32_t keep = 2) {
    return RunStore::open(folder_.path(), "seed = 1\n", keep).value();
  }
  static Result<Digest> write(RunStore& store, uint32_t round, float value) {
    const auto flat = weights(value);
    return store.write_checkpoint(round, manifest(), [flat](uint64_t offset, MutableByteView out) {
      std::copy_n(flat.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
      return Status();
    });
  }
  static void put(RunStore& store, uint32_t round, float value) {
    const auto digest = write(store, round, value);
    ASSERT_TRUE(digest.ok()) << digest.error().message();
    ASSERT_TRUE(store.ledger().commit({.round = round, .model = *digest}).ok());
    ASSERT_TRUE(store.adopt(round, *digest).ok());
  }
  std::string checkpoint(uint32_t round) const {
    return folder_.path() + "/checkpoints/round-00000" + std::to_string(round) + ".safetensors";
  }
  testing::TemporaryFolder folder_;
};

TEST_F(RunStoreTest, ANewRunHasNoModelAndItsConfiguration) {
  auto store = open();
  EXPECT_FALSE(store->has_model());
  EXPECT_EQ(read_text(folder_.path() + "/config.toml").value(), "seed = 1\n");
  EXPECT_EQ(store->config_sha256(), hex(sha256(as_bytes("seed = 1\n"))));
}

TEST_F(RunStoreTest, ComesBackWithTheNewestModelAfterARestart) {
  {
    auto store = open();
    put(*store, 0, 1);
    put(*store, 1, 2);
    EXPECT_EQ(store->round(), 1u);
  }
  auto store = open();
  ASSERT_TRUE(store->has_model());
  EXPECT_EQ(store->round(), 1u);
  EXPECT_EQ(store->model_digest(), sha256(weights(2)));
  EXPECT_EQ(store->model_path(), checkpoint(1));
  Bytes flat(16);
  ASSERT_TRUE(store->model()->read_flat(0, flat).ok());
  EXPECT_EQ(flat, weights(2));
  EXPECT_EQ(store->model()->metadata().at("round"), "1");
  EXPECT_EQ(store->model()->metadata().at("atoll.config_sha256"), store->config_sha256());
}

TEST_F(RunStoreTest, AWrittenCheckpointIsNotCurrentBeforeItIsCommitted) {
  auto store = open();
  put(*store, 0, 1);
  ASSERT_TRUE(write(*store, 1, 2).ok());
  EXPECT_EQ(store->round(), 0u);
  EXPECT_EQ(store->model_digest(), sha256(weights(1)));
}

TEST_F(RunStoreTest, CommittingOtherBytesThanThoseWrittenIsRefused) {
  auto store = open();
  ASSERT_TRUE(write(*store, 0, 1).ok());
  const auto refused = store->adopt(0, sha256(weights(9)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kModel);
  EXPECT_FALSE(store->adopt(5, Digest{}).ok());
}

TEST_F(RunStoreTest, ADamagedNewestCheckpointIsPassedOver) {
  {
    auto store = open(5);
    for (uint32_t round = 0; round < 3; ++round) put(*store, round, static_cast<float>(round));
  }
  auto text = read_text(checkpoint(2)).value();
  text.back() ^= 1;
  ASSERT_TRUE(write_atomic(checkpoint(2), text).ok());
  {
    auto store = open(5);
    EXPECT_EQ(store->round(), 1u);
    put(*store, 2, 9);  // the round is made again, over the damaged file
  }
  EXPECT_EQ(open(5)->model_digest(), sha256(weights(9)));
  // Truncated, empty, or another round's file under this name: each is passed over.
  ASSERT_TRUE(write_atomic(checkpoint(2), std::string_view(text).substr(0, 40)).ok());
  EXPECT_EQ(open(5)->round(), 1u);
  ASSERT_TRUE(write_atomic(checkpoint(2), "").ok());
  EXPECT_EQ(open(5)->round(), 1u);
  fs::copy_file(checkpoint(0), checkpoint(2), fs::copy_options::overwrite_existing);
  EXPECT_EQ(open(5)->round(), 1u);
}

// The server died between the checkpoint's rename and its commit: the round is done again.
TEST_F(RunStoreTest, ACheckpointThatWasNotCommittedDoesNotCount) {
  {
    auto store = open();
    put(*store, 0, 1);
    ASSERT_TRUE(write(*store, 1, 2).ok());
  }
  auto store = open();
  EXPECT_EQ(store->round(), 0u);
  EXPECT_EQ(store->model_digest(), sha256(weights(1)));
  put(*store, 1, 3);
  EXPECT_EQ(store->round(), 1u);
}

TEST_F(RunStoreTest, RoundsWhoseModelsAreLostAreToBeDoneAgain) {
  {
    auto store = open(5);
    for (uint32_t round = 0; round < 4; ++round) {
      ASSERT_TRUE(store->ledger().begin({round, 0, {{"a", true, false}}}).ok());
      put(*store, round, static_cast<float>(round));
    }
  }
  ASSERT_TRUE(fs::remove(checkpoint(3)) && fs::remove(checkpoint(2)));
  auto store = open(5);
  EXPECT_EQ(store->round(), 1u);
  EXPECT_EQ(store->ledger().committed().value(), 1u);
  EXPECT_EQ(store->ledger().unfinished(2).value()->places.at(0).client, "a");
}

TEST_F(RunStoreTest, AFolderWithoutItsLedgerGoesOnFromItsCheckpoints) {
  {
    auto store = open();
    put(*store, 0, 1);
    put(*store, 1, 2);
  }
  for (const char* name : {"ledger.sqlite", "ledger.sqlite-wal"})
    fs::remove(folder_.path() + "/" + name);
  auto store = open();
  EXPECT_EQ(store->round(), 1u);
  EXPECT_EQ(store->ledger().committed().value(), 1u);
}

// Whatever the moment of the crash, a commit's lines are in the file once.
TEST_F(RunStoreTest, LinesOfACommitAreToldOnceEvenAfterACrash) {
  auto metrics = [this] {
    auto text = read_text(folder_.path() + "/metrics.jsonl");
    return text ? *text : std::string();
  };
  {
    auto store = open();
    const auto digest = write(*store, 0, 1).value();
    ASSERT_TRUE(store->ledger().commit({.round = 0, .model = digest, .lines = {"{\"x\":1}"}}).ok());
  }  // died before they were delivered
  EXPECT_EQ(metrics(), "");
  {
    auto store = open();
    EXPECT_EQ(metrics(), "{\"x\":1}\n");
    const auto digest = write(*store, 1, 2).value();
    ASSERT_TRUE(store->ledger()
                    .commit({.round = 1, .model = digest, .lines = {"{\"x\":2}", "{\"x\":3}"}})
                    .ok());
    ASSERT_TRUE(store->append_metrics("{\"x\":2}").ok());
  }  // died with one of the two lines in the file
  auto store = open();
  EXPECT_EQ(metrics(), "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n");
  store->deliver_lines();
  EXPECT_EQ(metrics(), "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n");
}

TEST_F(RunStoreTest, LeftoversOfACrashDoNoHarm) {
  {
    auto store = open();
    put(*store, 0, 1);
  }
  ASSERT_TRUE(write_atomic(checkpoint(1) + ".part", "half a checkpoint").ok());
  ASSERT_TRUE(write_atomic(folder_.path() + "/uploads/1-site-a", "half an update").ok());
  ASSERT_TRUE(write_atomic(folder_.path() + "/checkpoints/round-x.safetensors", "x").ok());
  ASSERT_TRUE(write_atomic(folder_.path() + "/checkpoints/round-7.safetensors.bak", "x").ok());
  auto store = open();
  EXPECT_EQ(store->round(), 0u);
  EXPECT_TRUE(fs::is_empty(folder_.path() + "/uploads"));
  put(*store, 1, 2);
  EXPECT_FALSE(exists(checkpoint(1) + ".part"));
}

TEST_F(RunStoreTest, AnotherConfigurationIsRefusedAndNothingTouched) {
  {
    auto store = open();
    put(*store, 0, 1);
  }
  const auto refused = RunStore::open(folder_.path(), "seed = 2\n", 2);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);
  EXPECT_NE(refused.error().message().find("another configuration"), std::string::npos);
  EXPECT_FALSE(refused.error().hint().empty());
  EXPECT_EQ(open()->round(), 0u);
}

TEST_F(RunStoreTest, KeepsTheNewestAndPrunesTheRest) {
  auto store = open(2);
  for (uint32_t round = 0; round < 5; ++round) put(*store, round, static_cast<float>(round));
  for (uint32_t round = 0; round < 5; ++round)
    EXPECT_EQ(exists(checkpoint(round)), round >= 3) << round;
}

// A model that is being sent stays readable though a newer one took its place.
TEST_F(RunStoreTest, AModelInUseOutlivesItsPruning) {
  auto store = open(1);
  put(*store, 0, 7);
  auto held = store->model();
  for (uint32_t round = 1; round < 4; ++round) put(*store, round, 0);
  Bytes flat(16);
  ASSERT_TRUE(held->read_flat(0, flat).ok());
  EXPECT_EQ(flat, weights(7));
}

TEST_F(RunStoreTest, MetricsAreWholeLinesEvenAfterACutOne) {
  auto store = open();
  ASSERT_TRUE(store->append_metrics("{\"a\":1}").ok());
  {
    auto file = File::open_or_create(folder_.path() + "/metrics.jsonl").value();
    ASSERT_TRUE(file.write_at(file.size().value(), as_bytes("{\"cut\":")).ok());
  }
  ASSERT_TRUE(store->append_metrics("{\"b\":2}").ok());
  ASSERT_TRUE(store->append_metrics("{\"c\":3}").ok());
  EXPECT_EQ(read_text(folder_.path() + "/metrics.jsonl").value(),
            "{\"a\":1}\n{\"cut\":\n{\"b\":2}\n{\"c\":3}\n");
}

// A disk of 256 KiB of its own; the test exists only where one can be mounted.
class SmallDisk : public RunStoreTest {
 public:
  static bool possible() {
    testing::TemporaryFolder probe;
    if (::mount("tmpfs", probe.path().c_str(), "tmpfs", 0, "size=256k") != 0) return false;
    ::umount(probe.path().c_str());
    return true;
  }

  SmallDisk() { mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=256k") == 0; }
  ~SmallDisk() override {
    if (mounted_) ::umount(folder_.path().c_str());
  }

 protected:
  void TestBody() override {
    ASSERT_TRUE(mounted_);
    auto store = open();
    put(*store, 0, 1);
    const auto large =
        Manifest::make({spec("w", DType::kU8, {800'000}, Role::kOtherBuffer)}).value();
    const auto full =
        store->write_checkpoint(1, large, [](uint64_t, MutableByteView) { return Status(); });
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().code(), ErrorCode::kDiskFull) << full.error().message();
    EXPECT_EQ(full.error().hint(), "df -h");
    // What was committed is intact, and the part of the new file is gone.
    store.reset();
    EXPECT_EQ(open()->model_digest(), sha256(weights(1)));
    EXPECT_FALSE(exists(checkpoint(1) + ".part"));
    store.reset();
  }

 private:
  bool mounted_ = false;
};
const bool registered = [] {
  if (SmallDisk::possible()) {
    ::testing::RegisterTest("SmallDisk", "AFullDiskKeepsTheOldModel", nullptr, nullptr, __FILE__,
                            __LINE__, []() -> RunStoreTest* { return new SmallDisk; });
  }
  return true;
}();

}  // namespace
}  // namespace atl
