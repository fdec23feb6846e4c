// Trainer: the seam between the federation (bytes, rounds) and the arithmetic (LibTorch, or
// scripted numbers in tests and benchmarks). Torch-free. Model state passes as flat bytes
// (common/tensor/manifest.h), so that a model is never held twice for the sake of the wire.
//
// Threads: calls come one at a time, but not always from the same thread. run() is called on a
// compute thread; all others are cheap copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/tensor/manifest.h"
#include "common/wire/task.h"

namespace atl::client {

using wire::Evaluation;
using wire::TrainReport;
using wire::TrainSettings;

struct Task {
  uint32_t round = 0;  // 1-based; the model received is that of round - 1
  uint32_t total_rounds = 0;
  uint64_t seed = 0;  // of the run; streams are (seed, purpose, client, round)
  bool train = true;
  bool evaluate = false;  // evaluate the received model on the local test data first
  TrainSettings settings;
};

// How far run() is, in batches of training and of evaluation; readable from another thread; and the
// way to stop it early.
struct Progress {
  std::atomic<uint64_t> steps_done{0};
  std::atomic<uint64_t> steps_total{0};
  std::atomic<bool> cancel{false};
};

class Trainer {
 public:
  virtual ~Trainer() = default;

  virtual const Manifest& manifest() const = 0;
  virtual uint64_t train_examples() const = 0;
  virtual uint64_t test_examples() const = 0;

  // Fills the model with its initial weights, drawn from the seed alone: equal on every client.
  virtual Status initialize(uint64_t seed) = 0;
  // Takes a piece of the global model. Pieces cover the flat bytes once, in order; afterwards, and
  // before run(), some may be replaced.
  virtual Status receive(uint64_t offset, ByteView bytes) = 0;
  // Trains and/or evaluates. kInterrupted when progress.cancel was set, kTrainer when the loss is
  // not finite.
  virtual Result<TrainReport> run(const Task& task, Progress& progress) = 0;
  // Reads the update (the local model) after run() or initialize(); before run(), what has been
  // received.
  virtual Status read(uint64_t offset, MutableByteView out) const = 0;
  // The server has the update, and it will not be read again: the trainer may free its bytes. The
  // next call is receive() or initialize().
  virtual void release() {}
};

}  // namespace atl::client
