// A whole file's content, unpacked where it is packed: plain, gzip (.gz) or xz (.xz). The first
// bytes decide, so a file may have any name; but one that is named .gz or .xz must be it.
//
// The output is bounded by the caller. Truncation, damage (the formats' own check sums) and bytes
// after the end are kData errors that name the file.
#pragma once

#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

// The largest content that Atoll reads into memory when the caller knows no better bound.
inline constexpr uint64_t kMaxContent = uint64_t{4} << 30;

// Unpacks bytes that are at hand. `name` is for messages. More than `limit` bytes is an error.
Result<Bytes> unpack(Bytes packed, const std::string& name, uint64_t limit = kMaxContent);

Result<Bytes> read_content(const std::string& path, uint64_t limit = kMaxContent);

// kData: "PATH: WHY", with what to type next.
Error bad_file(const std::string& path, const std::string& why);

}  // namespace atl::data
