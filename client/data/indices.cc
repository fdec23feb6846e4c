#include "client/data/indices.h"

#include <charconv>

#include "client/data/compressed.h"

namespace atl::data {

std::string to_text(const Indices& indices) {
  std::string text;
  for (const uint32_t index : indices) text += std::to_string(index) += '\n';
  return text;
}

Result<Indices> parse_indices(ByteView bytes, const std::string& name, size_t examples) {
  std::string_view text = as_text(bytes);
  Indices indices;
  std::vector<bool> seen(examples);
  size_t line = 0;
  auto bad = [&](const std::string& why) {
    return Error(ErrorCode::kData, name + ":" + std::to_string(line) + ": " + why)
        .hint("write the index lists again, from the set that they are for: atoll data partition");
  };
  while (!text.empty()) {
    ++line;
    const auto end = text.find('\n');
    std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!word.empty() && word.back() == '\r') word.remove_suffix(1);
    if (word.empty()) continue;
    uint32_t index = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), index);
    if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size())
      return bad("\"" + std::string(word.substr(0, 40)) + "\" is not an index");
    if (index >= examples)
      return bad("index " + std::to_string(index) + " is outside of a set of " +
                 std::to_string(examples) + " examples");
    if (seen[index]) return bad("index " + std::to_string(index) + " stands here twice");
    seen[index] = true;
    indices.push_back(index);
  }
  return indices;
}

Result<Indices> read_indices(const std::string& path, size_t examples) {
  ATOLL_ASSIGN(const auto content, read_content(path, uint64_t{1} << 32));
  return parse_indices(content, path, examples);
}

}  // namespace atl::data
