#include "experiments/fl_normalization/run/lockstep.h"

#include "experiments/simulate/trainer_around.h"

namespace atl::study {

class Lockstep::Member : public workbench::TrainerAround {
 public:
  Member(Lockstep& group, std::string client, std::unique_ptr<client::Trainer> inner)
      : TrainerAround(std::move(inner)), group_(group), client_(std::move(client)) {}

  Result<client::TrainReport> run(const client::Task& task, client::Progress& progress) override {
    if (!task.train) return inner().run(task, progress);
    const auto exchange = group_.exchange_of(task.round);
    const models::MomentExchange::Scope scope(*exchange, client_, group_.slots_);
    return inner().run(task, progress);
  }

 private:
  Lockstep& group_;
  std::string client_;
};

std::unique_ptr<client::Trainer> Lockstep::around(std::string client,
                                                  std::unique_ptr<client::Trainer> inner) {
  return std::make_unique<Member>(*this, std::move(client), std::move(inner));
}

std::shared_ptr<models::MomentExchange> Lockstep::exchange_of(uint32_t round) {
  std::lock_guard lock(mutex_);
  std::erase_if(exchanges_, [](const auto& entry) { return entry.second.expired(); });
  auto exchange = exchanges_[round].lock();
  if (exchange == nullptr) {
    exchange = std::make_shared<models::MomentExchange>(cohort_);
    exchanges_[round] = exchange;
  }
  return exchange;
}

}  // namespace atl::study
