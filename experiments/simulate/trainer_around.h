// A trainer around another: hands everything on. Those that look at a run, or meddle with it,
// derive from it.
#pragma once

#include <memory>
#include <utility>

#include "client/trainer.h"

namespace atl::workbench {

class TrainerAround : public client::Trainer {
 public:
  explicit TrainerAround(std::unique_ptr<client::Trainer> inner) : inner_(std::move(inner)) {}

  const Manifest& manifest() const override { return inner_->manifest(); }
  uint64_t train_examples() const override { return inner_->train_examples(); }
  uint64_t test_examples() const override { return inner_->test_examples(); }
  Status initialize(uint64_t seed) override { return inner_->initialize(seed); }
  Status receive(uint64_t offset, ByteView bytes) override {
    return inner_->receive(offset, bytes);
  }
  Result<client::TrainReport> run(const client::Task& task, client::Progress& progress) override {
    return inner_->run(task, progress);
  }
  Status read(uint64_t offset, MutableByteView out) const override {
    return inner_->read(offset, out);
  }
  void release() override { inner_->release(); }

 protected:
  client::Trainer& inner() { return *inner_; }

 private:
  std::unique_ptr<client::Trainer> inner_;
};

}  // namespace atl::workbench
