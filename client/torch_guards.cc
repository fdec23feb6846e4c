#include "client/torch_guards.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/cpu/Utils.h>
#include <torch/cuda.h>

#include <charconv>

#ifdef ATOLL_WITH_CUDA
#include <ATen/cuda/CUDAContextLight.h>
#endif

namespace atl::client {
namespace {

// On every thread of this thread's team: with one chunk per thread each of them runs one.
void flush_denormals_on_team(int threads, bool on) {
  if (threads < 2) return;
  at::parallel_for(0, threads, 1,
                   [on](int64_t, int64_t) { at::globalContext().setFlushDenormal(on); });
}

}  // namespace

ArithmeticGuard::ArithmeticGuard(int threads) : threads_(threads) {
  std::fegetenv(&mode_);
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);
  flush_denormals_on_team(threads_, true);
}

ArithmeticGuard::~ArithmeticGuard() {
  flush_denormals_on_team(threads_, false);
  std::fesetenv(&mode_);
}

AutocastGuard::AutocastGuard(torch::DeviceType device, bool on) : device_(device), on_(on) {
  if (!on_) return;
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (!on_) return;
  // The casts of the weights are kept for one forward pass, and the weights change after it.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

Status check_bf16(torch::Device device) {
  if (device.is_cpu()) {
    const auto able = at::cpu::get_cpu_capabilities();
    const auto found = able.find("avx512_bf16");
    if (found != able.end() && found->second.toBool()) return {};
    return Error(ErrorCode::kUnsupported, "bf16: this CPU has no bfloat16 arithmetic")
        .hint("set train.bf16 = false");
  }
#ifdef ATOLL_WITH_CUDA
  if (at::cuda::getDeviceProperties(device.index())->major >= 8) return {};
#endif
  return Error(ErrorCode::kUnsupported, "bf16: this GPU has no bfloat16 arithmetic")
      .hint("set train.bf16 = false");
}

Result<torch::Device> parse_device(const std::string& text) {
  if (text == "cpu") return torch::Device(torch::kCPU);
  const int64_t devices =
      torch::cuda::is_available() ? static_cast<int64_t>(torch::cuda::device_count()) : 0;
  if (text == "auto")
    return devices > 0 ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  int64_t number = 0;
  if (text.starts_with("cuda:")) {
    const auto* end = text.data() + text.size();
    const auto [stop, status] = std::from_chars(text.data() + 5, end, number);
    if (status != std::errc() || stop != end || number < 0) number = -1;
  } else if (text != "cuda") {
    number = -1;
  }
  if (number < 0)
    return Error(ErrorCode::kConfig, "device \"" + text + "\" is none of auto, cpu and cuda:N");
  if (number < devices) {
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setDeterministicCuDNN(true);
    return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(number));
  }
#ifdef ATOLL_WITH_CUDA
  const auto why = devices == 0 ? std::string("this machine has no CUDA device")
                                : "this machine has " + std::to_string(devices) + " CUDA devices";
#else
  const std::string why = "this build has no CUDA (it is built with the preset cuda)";
#endif
  return Error(ErrorCode::kUnsupported, "device " + text + ": " + why).hint("use device cpu");
}

}  // namespace atl::client
