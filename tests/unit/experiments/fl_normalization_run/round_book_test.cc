// The decorator around a client's trainer: what it keeps, and that it keeps out of the way.
#include "experiments/fl_normalization/run/round_book.h"

#include <gtest/gtest.h>

#include <cstring>

namespace atl::study {
namespace {

// A model of one float, to which training adds the round.
class Scripted : public client::Trainer {
 public:
  explicit Scripted(int& reads) : reads_(reads) {}
  const Manifest& manifest() const override { return manifest_; }
  uint64_t train_examples() const override { return 30; }
  uint64_t test_examples() const override { return 10; }
  Status initialize(uint64_t) override { return {}; }
  Status receive(uint64_t, ByteView bytes) override {
    std::memcpy(&value_, bytes.data(), sizeof(value_));
    return {};
  }
  Result<client::TrainReport> run(const client::Task& task, client::Progress&) override {
    client::TrainReport report;
    report.examples = 30;
    report.seconds = 0.5;
    if (task.evaluate) report.before = {10, 7, 3.0};
    if (task.train) value_ += static_cast<float>(task.round);
    return report;
  }
  Status read(uint64_t, MutableByteView out) const override {
    ++reads_;
    std::memcpy(out.data(), &value_, sizeof(value_));
    return {};
  }

 private:
  Manifest manifest_ =
      Manifest::make({{.name = "w", .shape = {1}, .role = Role::kLinearWeight}}).value();
  float value_ = 0;
  int& reads_;
};

float value(const Bytes& flat) {
  float out = 0;
  std::memcpy(&out, flat.data(), sizeof(out));
  return out;
}

TEST(RoundBook, KeepsMeasuredRoundsAndDoesNotTouchOthers) {
  RoundBook book([](uint32_t round) { return round == 2; });
  int reads = 0;
  auto b = book.around("b", std::make_unique<Scripted>(reads)),
       a = book.around("a", std::make_unique<Scripted>(reads));
  client::Progress progress;
  client::Task task;
  for (task.round = 1; task.round <= 3; ++task.round) {
    for (auto* trainer : {b.get(), a.get()}) {
      const auto report = trainer->run(task, progress);
      ASSERT_TRUE(report.ok());
      EXPECT_EQ(report->before.examples, 0U);  // the server asked for no evaluation
    }
    EXPECT_EQ(reads, task.round == 1 ? 0 : 4);
  }
  EXPECT_DOUBLE_EQ(book.train_seconds(), 6 * 0.5);
  const auto models = book.take(2);
  ASSERT_EQ(models.locals.size(), 2U);
  EXPECT_EQ(models.locals[0].client, "a");
  EXPECT_EQ(value(models.before), 1);
  EXPECT_EQ(value(models.locals[1].flat), 3);
  EXPECT_EQ(models.locals[0].examples, 30U);
  EXPECT_EQ(models.locals[0].before.correct, 7U);
  EXPECT_TRUE(book.take(2).locals.empty());
  EXPECT_TRUE(book.take(3).locals.empty());
}

TEST(RoundBook, AnEvaluationThatTheServerAskedForStays) {
  RoundBook book([](uint32_t) { return true; });
  int reads = 0;
  auto trainer = book.around("a", std::make_unique<Scripted>(reads));
  client::Progress progress;
  client::Task task;
  task.round = 1;
  task.evaluate = true;
  EXPECT_EQ(trainer->run(task, progress)->before.correct, 7U);
  task.train = false;
  reads = 0;
  EXPECT_EQ(trainer->run(task, progress)->before.correct, 7U);
  EXPECT_EQ(reads, 0);
}

}  // namespace
}  // namespace atl::study
