// A Trainer of scripted numbers: what it "learns" is a simple function of the model it received,
// its name and the round, so that a test can say what the global model must be. No machine
// learning, no time spent.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "client/trainer.h"

namespace atl::testing {

class ScriptedTrainer : public client::Trainer {
 public:
  using Step =
      std::function<Result<client::TrainReport>(const client::Task&, std::span<float> model)>;

  // Every tensor is F32. `step` changes the model in place.
  ScriptedTrainer(Manifest manifest, uint64_t train, uint64_t test, Step step)
      : manifest_(std::move(manifest)),
        train_(train),
        test_(test),
        step_(std::move(step)),
        bytes_(manifest_.total_bytes()) {}

  const Manifest& manifest() const override { return manifest_; }
  uint64_t train_examples() const override { return train_; }
  uint64_t test_examples() const override { return test_; }
  Status initialize(uint64_t seed) override {
    for (size_t i = 0; i < model().size(); ++i)
      model()[i] = static_cast<float>(seed) + static_cast<float>(i);
    return {};
  }
  Status receive(uint64_t offset, ByteView bytes) override {
    std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
    return {};
  }
  Result<client::TrainReport> run(const client::Task& task, client::Progress&) override {
    return step_(task, model());
  }
  Status read(uint64_t offset, MutableByteView out) const override {
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::span<float> model() {
    return {reinterpret_cast<float*>(bytes_.data()), bytes_.size() / sizeof(float)};
  }

 private:
  Manifest manifest_;
  uint64_t train_, test_;
  Step step_;
  Bytes bytes_;
};

}  // namespace atl::testing
