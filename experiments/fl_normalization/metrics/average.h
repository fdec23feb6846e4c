// Averages of local models for measurements: without one client, or under another treatment of
// running statistics. The run itself is averaged by the server's exact reduction.
#pragma once

#include <span>
#include <vector>

#include "common/core/bytes.h"
#include "common/tensor/manifest.h"

namespace atl::study {

// Floating-point (F32) tensors become the mean of the clients' with weights p (>= 0, not all 0,
// re-normalised; a client with p = 0 is left out). With `pooled`, running variances keep the
// variance between clients, as the server's policy of that name does
// (server/aggregation/policy.h). All other tensors are those of `base`. Sums are made in double in
// the order of the clients.
Bytes average(const Manifest& manifest, ByteView base, std::span<const Bytes* const> locals,
              std::span<const double> p, bool pooled);

}  // namespace atl::study
