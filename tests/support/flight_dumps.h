// The flight recorder's files, read back.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/core/file.h"

namespace atl::testing {

using Lines = std::vector<nlohmann::json>;

inline std::vector<std::string> dumps_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none))
    paths.push_back(entry.path().string());
  return paths;
}

// Every line must be an object of printable ASCII.
inline Lines read_dump(const std::string& path) {
  Lines all;
  std::istringstream lines(read_text(path).value());
  for (std::string line; std::getline(lines, line);) {
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << line;
    auto json = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(json.is_object()) << line;
    all.push_back(std::move(json));
  }
  return all;
}

// Events of one peer, in order: "in hello", "out welcome", ...
inline std::vector<std::string> events_of(const Lines& lines, const std::string& peer) {
  std::vector<std::string> all;
  for (const auto& line : lines) {
    if (line.value("peer", "") == peer && line.contains("dir") && line.contains("session"))
      all.push_back(line.value("dir", "") + " " + line.value("what", ""));
  }
  return all;
}

}  // namespace atl::testing
