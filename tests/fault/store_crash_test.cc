// The run's folder under SIGKILL and under power cuts: a process commits rounds as fast as it can
// and is stopped at moments drawn at random. What was committed is there afterwards, whole.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "common/core/log.h"
#include "common/core/rng.h"
#include "server/store/run_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

namespace fs = std::filesystem;
using server::RunStore;

constexpr uint64_t kElements = 1 << 19;  // 2 MiB
const Manifest& manifest() {
  static const Manifest made =
      Manifest::make({testing::spec("w", DType::kF32, {kElements}, Role::kLinearWeight)}).value();
  return made;
}
// The model of a round: every element tells the round and its place.
Status fill(uint32_t round, uint64_t offset, MutableByteView out) {
  for (size_t i = 0; i < out.size(); i += 4) {
    const auto value = static_cast<float>((round * 7919 + (offset + i) / 4) % 1'000'003);
    std::memcpy(out.data() + i, &value, 4);
  }
  return {};
}

// The round of the model in this folder, whose every byte must be that round's; none without one.
std::optional<uint32_t> round_in(const std::string& folder) {
  auto store = RunStore::open(folder, "seed = 1\n", 2);
  if (!store) {
    ADD_FAILURE() << store.error().message();
    return std::nullopt;
  }
  if (!(*store)->has_model()) return std::nullopt;
  const uint32_t round = (*store)->round();
  Bytes found(manifest().total_bytes()), wanted(found.size());
  EXPECT_TRUE((*store)->model()->read_flat(0, found).ok());
  EXPECT_TRUE(fill(round, 0, wanted).ok());
  EXPECT_EQ(found, wanted) << "round " << round;
  return round;
}

// A process that commits round after round, and says in shared memory what it has committed.
class Committer {
 public:
  Committer() {
    shared_ = static_cast<std::atomic<uint32_t>*>(::mmap(
        nullptr, sizeof(*shared_), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    new (shared_) std::atomic<uint32_t>(0);
  }
  ~Committer() {
    stop();
    ::munmap(shared_, sizeof(*shared_));
  }
  void start(const std::string& folder) {
    pid_ = ::fork();
    if (pid_ == 0) commit_for_ever(folder);
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void freeze() {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  void thaw() { ::kill(pid_, SIGCONT); }
  // One more than the newest round whose commit returned.
  uint32_t committed() const { return shared_->load(); }
  // False when the process ended by itself, which it never should.
  bool wait_beyond(uint32_t before) {
    while (committed() == before) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) return pid_ = 0, false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  [[noreturn]] void commit_for_ever(const std::string& folder) {
    auto opened = RunStore::open(folder, "seed = 1\n", 2);
    if (!opened) ::_exit(1);
    auto& store = **opened;
    for (uint32_t round = store.has_model() ? store.round() + 1 : 0;; ++round) {
      const auto digest = store.write_checkpoint(
          round, manifest(),
          [round](uint64_t offset, MutableByteView out) { return fill(round, offset, out); });
      if (!digest || !store.ledger().commit({.round = round, .model = *digest})) ::_exit(1);
      shared_->store(round + 1);
      if (!store.adopt(round, *digest)) ::_exit(1);
    }
  }
  std::atomic<uint32_t>* shared_;
  pid_t pid_ = 0;
};

TEST(StoreCrash, SigkillAtRandomMomentsLosesNothingCommitted) {
  log::set_level(log::Level::kOff);
  testing::TemporaryFolder folder;
  Rng rng(1, "moments");
  Committer committer;
  for (int kill = 0; kill < 24; ++kill) {
    const uint32_t before = committer.committed();
    committer.start(folder.path());
    ASSERT_TRUE(committer.wait_beyond(before));
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(40'000)));
    committer.stop();
    const auto found = round_in(folder.path());
    ASSERT_TRUE(found.has_value());
    EXPECT_GE(*found + 1, committer.committed()) << "kill " << kill;
  }
}

// A disk of its own, whose writes reach its image only as the file system sends them: a copy of the
// image is what a power cut at this moment leaves behind.
class Disk {
 public:
  static bool possible() {
    if (::geteuid() != 0) return false;
    testing::TemporaryFolder probe;
    Disk disk(probe.path() + "/image", probe.path() + "/mounted");
    return disk.make() && disk.mount();
  }
  Disk(std::string image, std::string place) : image_(std::move(image)), place_(std::move(place)) {}
  ~Disk() { unmount(); }

  bool make() const {
    return run("truncate -s 48M " + image_ + " && mkfs.ext4 -q -F -O ^metadata_csum " + image_);
  }
  bool mount() {
    fs::create_directories(place_);
    mounted_ = run("mount -o loop,noauto_da_alloc,data=writeback " + image_ + " " + place_);
    return mounted_;
  }
  void unmount() {
    if (mounted_) run("umount " + place_);
    mounted_ = false;
  }
  // Until two copies are equal: then nothing was written while they were made.
  void copy_to(const std::string& path) const {
    for (;;) {
      if (!run("cp " + image_ + " " + path) || !run("cp " + image_ + " " + path + ".2"))
        FAIL() << "cannot copy the image";
      if (run("cmp -s " + path + " " + path + ".2")) return;
    }
  }
  const std::string& place() const { return place_; }

 private:
  static bool run(const std::string& command) {
    return std::system((command + " 2>/dev/null").c_str()) == 0;
  }
  std::string image_, place_;
  bool mounted_ = false;
};

class PowerCut : public ::testing::Test {
  void TestBody() override {
    log::set_level(log::Level::kOff);
    testing::TemporaryFolder folder;
    Disk disk(folder.path() + "/image", folder.path() + "/mounted");
    ASSERT_TRUE(disk.make() && disk.mount());
    Rng rng(2, "moments");
    Committer committer;
    committer.start(disk.place() + "/run");
    ASSERT_TRUE(committer.wait_beyond(0));
    for (int cut = 0; cut < 20; ++cut) {
      std::this_thread::sleep_for(std::chrono::microseconds(rng.below(60'000)));
      committer.freeze();
      const uint32_t committed = committer.committed();
      const std::string left = folder.path() + "/left";
      disk.copy_to(left);
      committer.thaw();
      Disk after(left, folder.path() + "/after");
      ASSERT_TRUE(after.mount());
      const auto found = round_in(after.place() + "/run");
      ASSERT_TRUE(found.has_value()) << "cut " << cut;
      EXPECT_GE(*found + 1, committed) << "cut " << cut;
    }
    committer.stop();
  }
};
const bool registered = [] {
  if (Disk::possible()) {
    ::testing::RegisterTest("StoreCrash", "PowerCutsLoseNothingCommitted", nullptr, nullptr,
                            __FILE__, __LINE__, []() -> ::testing::Test* { return new PowerCut; });
  }
  return true;
}();

}  // namespace
}  // namespace atl
