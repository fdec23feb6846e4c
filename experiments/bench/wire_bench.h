// `atoll bench wire`: a model streamed to and from a client over TLS 1.3 on loopback by Atoll's own
// server, session and federation loop, against a bare Asio and OpenSSL loop that moves the same
// bytes under the same certificates and cipher in the same process, turn by turn. Two threads each:
// one per side. (Atoll's two sides may use their pools beside them, as in the product.)
//
// The short form (16 MB, 3 turns) checks the bytes on the wire and shows the speeds without
// checking them: other work on the machine decides those.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark wire_benchmark();

}  // namespace atl::bench
