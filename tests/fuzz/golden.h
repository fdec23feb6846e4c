// The bytes of tests/golden, as seeds.
#pragma once

#include <sstream>
#include <string>

#include "common/core/file.h"
#include "tests/fuzz/target.h"

namespace atl::fuzz {

// tests/golden/wire-v1/NAME.hex
inline Bytes golden(const std::string& name) {
  const auto text = read_text(std::string(ATOLL_GOLDEN) + "/wire-v1/" + name + ".hex");
  ATOLL_CHECK(text.ok(), "a golden file");
  Bytes bytes;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    for (size_t i = 0; i + 1 < line.size(); i += 2)
      bytes.push_back(static_cast<std::byte>(std::stoi(line.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline const std::vector<std::string>& golden_messages() {
  static const std::vector<std::string> names{
      "bye",       "enrol", "enrolled", "fetch", "grant", "hello",   "join", "joined",
      "next-task", "offer", "outcome",  "ping",  "pong",  "refused", "task", "welcome"};
  return names;
}

}  // namespace atl::fuzz
