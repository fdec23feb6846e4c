// A trainer without a model: every byte that it sends is a function of client and position, so that
// 64 clients of a 256 MB model cost a benchmark no memory. Values are those of a small table of
// random numbers in [-1, 1), read from another place by every client.
#pragma once

#include <functional>
#include <memory>

#include "client/trainer.h"

namespace atl::bench {

// The element at `index` of a client's update.
float generated_value(uint64_t client, uint64_t index);
// Flat bytes from `offset`, a multiple of 4, of a client's update.
void generate_bytes(uint64_t client, uint64_t offset, MutableByteView out);
// `count` F32 tensors that together have `bytes`, and one of 0 elements when asked.
Result<Manifest> generated_manifest(uint64_t bytes, size_t count, bool with_empty_tensor);

class GeneratedTrainer : public client::Trainer {
 public:
  // Called from run(), on the compute thread, while the connection is idle.
  using OnRun = std::function<Status(const client::Task&)>;
  // Called with the first piece of a model.
  using OnModel = std::function<void()>;

  GeneratedTrainer(Manifest manifest, uint64_t client, OnRun on_run = nullptr,
                   OnModel on_model = nullptr)
      : manifest_(std::move(manifest)),
        client_(client),
        on_run_(std::move(on_run)),
        on_model_(std::move(on_model)) {}

  const Manifest& manifest() const override { return manifest_; }
  uint64_t train_examples() const override { return 1; }
  uint64_t test_examples() const override { return 0; }
  Status initialize(uint64_t) override { return {}; }
  Status receive(uint64_t offset, ByteView) override {
    if (offset == 0 && on_model_) on_model_();
    return {};
  }
  Result<client::TrainReport> run(const client::Task& task, client::Progress&) override {
    if (on_run_) ATOLL_TRY(on_run_(task));
    client::TrainReport report;
    report.examples = 1;
    report.steps = 1;
    return report;
  }
  Status read(uint64_t offset, MutableByteView out) const override {
    generate_bytes(client_, offset, out);
    return {};
  }

 private:
  Manifest manifest_;
  uint64_t client_;
  OnRun on_run_;
  OnModel on_model_;
};

}  // namespace atl::bench
