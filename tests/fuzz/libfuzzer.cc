// libFuzzer's side: the one target that is linked with it.
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& target = atl::fuzz::targets().front();
  target.run({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
