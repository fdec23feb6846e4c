// What a thread's state must be while it does a client's arithmetic, and is again afterwards.
#pragma once

#include <cfenv>
#include <string>

#include <torch/types.h>

#include "common/core/result.h"

namespace atl::client {

// Threads within a kernel, and denormals flushed to zero, on this thread and on those that help it.
// The floating-point mode is restored on leaving, because the thread also serves others (an exact
// sum needs its denormals); the number of threads stays.
class ArithmeticGuard {
 public:
  explicit ArithmeticGuard(int threads);
  ~ArithmeticGuard();
  ArithmeticGuard(const ArithmeticGuard&) = delete;
  ArithmeticGuard& operator=(const ArithmeticGuard&) = delete;

 private:
  int threads_;
  std::fenv_t mode_;
};

// Autocast to bfloat16 for the forward pass.
class AutocastGuard {
 public:
  AutocastGuard(torch::DeviceType device, bool on);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  torch::DeviceType device_;
  bool on_;
};

// kUnsupported when the device has no bfloat16 arithmetic: a CPU without AVX512_BF16, a GPU before
// Ampere.
Status check_bf16(torch::Device device);

// "auto", "cpu", "cuda", "cuda:N". kConfig when the text is none of them, kUnsupported when this
// build or this machine lacks the device.
Result<torch::Device> parse_device(const std::string& text);

}  // namespace atl::client
