#include "experiments/fl_normalization/run/round_book.h"

#include <algorithm>

#include "experiments/simulate/trainer_around.h"

namespace atl::study {

class RoundBook::Observed : public workbench::TrainerAround {
 public:
  Observed(RoundBook& book, std::string client, std::unique_ptr<client::Trainer> inner)
      : TrainerAround(std::move(inner)), book_(book), client_(std::move(client)) {}

  Result<client::TrainReport> run(const client::Task& task, client::Progress& progress) override {
    const bool look = task.train && book_.measured(task.round);
    if (!look) {
      auto report = inner().run(task, progress);
      if (report && task.train) book_.add_seconds(report->seconds);
      return report;
    }
    Bytes before(inner().manifest().total_bytes());
    ATOLL_TRY(inner().read(0, before));
    auto with_test = task;
    with_test.evaluate = inner().test_examples() > 0;
    ATOLL_ASSIGN(auto report, inner().run(with_test, progress));
    book_.add_seconds(report.seconds);
    LocalModel local{client_, report.examples, Bytes(before.size()), report.before};
    ATOLL_TRY(inner().read(0, local.flat));
    book_.add(task.round, std::move(before), std::move(local));
    if (!task.evaluate) report.before = {};  // the server did not ask
    return report;
  }

 private:
  RoundBook& book_;
  std::string client_;
};

std::unique_ptr<client::Trainer> RoundBook::around(std::string client,
                                                   std::unique_ptr<client::Trainer> inner) {
  return std::make_unique<Observed>(*this, std::move(client), std::move(inner));
}

void RoundBook::add_seconds(double seconds) {
  std::lock_guard lock(mutex_);
  train_seconds_ += seconds;
}

double RoundBook::train_seconds() const {
  std::lock_guard lock(mutex_);
  return train_seconds_;
}

void RoundBook::add(uint32_t round, Bytes before, LocalModel local) {
  std::lock_guard lock(mutex_);
  auto& models = rounds_[round];
  models.before = std::move(before);
  // A round that is trained again counts as the last time.
  std::erase_if(models.locals, [&](const auto& other) { return other.client == local.client; });
  models.locals.push_back(std::move(local));
}

RoundModels RoundBook::take(uint32_t round) {
  std::lock_guard lock(mutex_);
  auto models = std::move(rounds_[round]);
  rounds_.erase(round);
  std::sort(models.locals.begin(), models.locals.end(),
            [](const auto& a, const auto& b) { return a.client < b.client; });
  return models;
}

}  // namespace atl::study
