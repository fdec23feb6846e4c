// Shapes in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace atl {

// "3x32x32"; empty for a scalar.
inline std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text;
}

}  // namespace atl
