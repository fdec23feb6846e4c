// Bytes for tests of data readers: packing, big-endian words, and what an error must say.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include <initializer_list>
#include <string>

#include "common/core/bytes.h"
#include "common/core/file.h"
#include "common/core/result.h"

namespace atl::testing {

inline Bytes to_bytes(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}
inline Bytes to_bytes(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}
inline void append(Bytes& to, ByteView from) { to.insert(to.end(), from.begin(), from.end()); }
inline void append_word(Bytes& to, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>(value >> shift));
}

inline Bytes gzip(ByteView plain) {
  z_stream stream{};
  ATOLL_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
  Bytes packed(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ATOLL_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline Bytes xz(ByteView plain) {
  Bytes packed(lzma_stream_buffer_bound(plain.size()));
  size_t used = 0;
  ATOLL_CHECK(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr,
                                      reinterpret_cast<const uint8_t*>(plain.data()), plain.size(),
                                      reinterpret_cast<uint8_t*>(packed.data()), &used,
                                      packed.size()) == LZMA_OK,
              "liblzma");
  packed.resize(used);
  return packed;
}

inline std::string write_file(const std::string& path, ByteView bytes) {
  EXPECT_TRUE(write_atomic(path, as_text(bytes)).ok());
  return path;
}

// The result is an error of this code whose text holds all the parts and that says what to do next.
template <typename T>
void expect_error(const Result<T>& result, ErrorCode code,
                  std::initializer_list<std::string_view> parts) {
  ASSERT_FALSE(result.ok());
  const auto text = result.error().message();
  EXPECT_EQ(result.error().code(), code) << text;
  for (const auto part : parts) EXPECT_THAT(text, ::testing::HasSubstr(std::string(part)));
  EXPECT_FALSE(result.error().hint().empty()) << text;
}

}  // namespace atl::testing
