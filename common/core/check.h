// ATOLL_CHECK: a condition that only a bug in Atoll can break. Stays on in release builds; prints
// and aborts.
#pragma once

#include <string_view>

namespace atl {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view message);
}  // namespace atl

#define ATOLL_CHECK(condition, message)  \
  (static_cast<bool>(condition) ? void() \
                                : ::atl::check_failed(__FILE__, __LINE__, #condition, message))
