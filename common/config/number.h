// A float as TOML writes it.
#pragma once

#include <charconv>
#include <string>

namespace atl::config {

// The shortest text that reads back as the same number, never as an integer: "0.1", "2.0", "1e-08".
inline std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  std::string number(text, end);
  if (number.find_first_of(".en") == std::string::npos) number += ".0";
  return number;
}

}  // namespace atl::config
