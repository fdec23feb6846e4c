// Index files: what is read is distinct and in range, and is written as it was read.
//
// Input: two bytes, the size of the set; then the file.
#include "client/data/indices.h"

#include <set>

#include "tests/fuzz/target.h"

namespace atl::fuzz {
namespace {

void run(ByteView input) {
  Choices choices(input);
  const size_t examples = choices.word<uint16_t>();
  const auto indices = data::parse_indices(choices.rest(), "indices", examples);
  if (!indices) {
    ATOLL_CHECK(indices.error().code() == ErrorCode::kData, "the file's fault");
    return;
  }
  const std::set<uint32_t> distinct(indices->begin(), indices->end());
  ATOLL_CHECK(distinct.size() == indices->size(), "no index twice");
  ATOLL_CHECK(distinct.empty() || *distinct.rbegin() < examples, "in range");
  const auto text = data::to_text(*indices);
  const auto again = data::parse_indices(as_bytes(text), "indices", examples);
  ATOLL_CHECK(again.ok() && *again == *indices, "written as it was read");
}

std::vector<Bytes> seeds() {
  using namespace std::string_view_literals;
  return {bytes_of_text("\x64\0000\n1\r\n99\n\n7"sv), bytes_of_text("\2\0001\n1\n"sv),
          bytes_of_text("\2\0002\n"sv), bytes_of_text("\2\000-1\n4294967296\n 1"sv)};
}

const Registration registration({"indices", run, seeds});

}  // namespace
}  // namespace atl::fuzz
