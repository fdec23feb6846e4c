// The model whose network is a TorchScript file of every client's own, which each names in its own
// configuration: [model] name of a run, ModelSpec::name (task.h).
#pragma once

#include <string_view>

namespace atl::wire {

inline constexpr std::string_view kTorchScript = "torchscript";

}  // namespace atl::wire
