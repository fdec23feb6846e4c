#include "client/data/compressed.h"

#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "common/core/file.h"

namespace atl::data {
namespace {

constexpr uint64_t kLzmaMemory = 256u << 20;  // xz -9 needs 65 MB; more is an attack
constexpr uint64_t kDeflateRatio = 1032;      // no deflate stream expands further

bool starts_with(ByteView bytes, std::initializer_list<uint8_t> magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](uint8_t a, std::byte b) { return std::byte{a} == b; });
}
bool is_gzip(ByteView bytes) { return starts_with(bytes, {0x1f, 0x8b}); }
bool is_xz(ByteView bytes) { return starts_with(bytes, {0xfd, '7', 'z', 'X', 'Z', 0}); }

Error too_large(const std::string& name, uint64_t limit) {
  return bad_file(name, "holds more than " + std::to_string(limit) + " bytes when unpacked");
}
Error truncated(const std::string& name) {
  return bad_file(name, "is truncated: the packed data end early");
}

// The output buffer, one byte larger than the limit at most, so that an excess shows itself.
class Output {
 public:
  Output(uint64_t guess, uint64_t limit) : limit_(limit) {
    bytes_.resize(std::clamp<uint64_t>(guess, 1, limit + 1));
  }
  MutableByteView room() {
    if (made_ == bytes_.size() && made_ <= limit_)
      bytes_.resize(std::min<uint64_t>(limit_ + 1, std::max<uint64_t>(65536, 2 * made_)));
    return MutableByteView(bytes_).subspan(made_);
  }
  void add(size_t count) { made_ += count; }
  bool too_large() const { return made_ > limit_; }
  Bytes take() {
    bytes_.resize(made_);
    return std::move(bytes_);
  }

 private:
  uint64_t limit_;
  size_t made_ = 0;
  Bytes bytes_;
};

// A gzip file ends with its content's size modulo 2^32: a good first guess, never trusted.
uint64_t gzip_size(ByteView packed) {
  uint64_t size = 0;
  if (packed.size() < 18) return size;
  for (size_t i = 0; i < 4; ++i)
    size |= std::to_integer<uint64_t>(packed[packed.size() - 4 + i]) << (8 * i);
  // One byte of room beyond it lets zlib see the end without growing the buffer.
  return std::min<uint64_t>(size + 1, packed.size() * kDeflateRatio);
}

Result<Bytes> unpack_gzip(ByteView packed, const std::string& name, uint64_t limit) {
  z_stream stream{};
  ATOLL_CHECK(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib starts");
  std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  Output out(gzip_size(packed), limit);
  for (;;) {
    const MutableByteView room = out.room();
    constexpr size_t kMost = size_t{1} << 30;  // zlib counts in 32 bits
    const auto input = static_cast<uInt>(std::min(packed.size(), kMost));
    const auto output = static_cast<uInt>(std::min(room.size(), kMost));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.avail_in = input;
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = output;
    const int code = inflate(&stream, Z_NO_FLUSH);
    packed = packed.subspan(input - stream.avail_in);
    out.add(output - stream.avail_out);
    if (out.too_large()) return too_large(name, limit);
    if (code == Z_STREAM_END) {
      if (packed.empty()) return out.take();
      if (!is_gzip(packed)) return bad_file(name, "has bytes after its end");
      inflateReset(&stream);  // gzip files may be concatenated
    } else if (code == Z_OK || code == Z_BUF_ERROR) {
      if (packed.empty() && stream.avail_out > 0) return truncated(name);
    } else {
      return bad_file(name, std::string("is damaged: ") +
                                (stream.msg != nullptr ? stream.msg : "not a gzip stream"));
    }
  }
}

// The format allows padding behind a stream: zero bytes, a multiple of four.
bool is_xz_padding(ByteView rest) {
  return rest.size() % 4 == 0 &&
         std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{0}; });
}

Result<Bytes> unpack_xz(ByteView packed, const std::string& name, uint64_t limit) {
  lzma_stream stream = LZMA_STREAM_INIT;
  std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard(&stream, lzma_end);
  auto restart = [&] {
    ATOLL_CHECK(lzma_stream_decoder(&stream, kLzmaMemory, LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK,
                "liblzma starts");
  };
  restart();
  Output out(std::min<uint64_t>(limit, 2 * packed.size()), limit);
  for (;;) {
    const MutableByteView room = out.room();
    stream.next_in = reinterpret_cast<const uint8_t*>(packed.data());
    stream.avail_in = packed.size();
    stream.next_out = reinterpret_cast<uint8_t*>(room.data());
    stream.avail_out = room.size();
    const lzma_ret code = lzma_code(&stream, LZMA_FINISH);
    packed = packed.last(stream.avail_in);
    out.add(room.size() - stream.avail_out);
    if (out.too_large()) return too_large(name, limit);
    switch (code) {
      case LZMA_STREAM_END:
        if (is_xz_padding(packed)) return out.take();
        if (!is_xz(packed)) return bad_file(name, "has bytes after its end");
        restart();  // xz files may be concatenated
        break;
      case LZMA_OK:
        break;
      case LZMA_BUF_ERROR:
        return truncated(name);
      case LZMA_FORMAT_ERROR:
        return bad_file(name, "is not an xz file");
      case LZMA_UNSUPPORTED_CHECK:
      case LZMA_OPTIONS_ERROR:
        return bad_file(name, "uses a form of xz that liblzma does not know");
      case LZMA_MEMLIMIT_ERROR:
        return bad_file(name, "needs more than 256 MB of memory to unpack");
      default:
        return bad_file(name, "is damaged: its packed data do not fit its check sums");
    }
  }
}

}  // namespace

Error bad_file(const std::string& path, const std::string& why) {
  return Error(ErrorCode::kData, path + ": " + why)
      .hint("fetch the file again, or compare it with its source: sha256sum " + path);
}

Result<Bytes> unpack(Bytes packed, const std::string& name, uint64_t limit) {
  if (is_gzip(packed)) return unpack_gzip(packed, name, limit);
  if (is_xz(packed)) return unpack_xz(packed, name, limit);
  for (const char* ending : {".gz", ".xz"}) {
    if (name.ends_with(ending))
      return bad_file(name, std::string("is named ") + ending + " but is not such a file" +
                                (packed.empty() ? ": it is empty" : ""));
  }
  if (packed.size() > limit) return too_large(name, limit);
  return packed;
}

Result<Bytes> read_content(const std::string& path, uint64_t limit) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    const auto folder = std::filesystem::path(path).parent_path().string();
    return Error(ErrorCode::kData, path + ": there is no such file")
        .hint("ls -l " + (folder.empty() ? "." : folder));
  }
  if (std::filesystem::is_directory(path, ignored))
    return Error(ErrorCode::kData, path + ": is a folder, not a file").hint("ls -l " + path);
  ATOLL_ASSIGN(auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  // Packing may add a little to content that cannot be made smaller, no more.
  if (size > limit + limit / 64 + 65536) return too_large(path, limit);
  Bytes packed(size);
  ATOLL_TRY(file.read_at(0, packed));
  return unpack(std::move(packed), path, limit);
}

}  // namespace atl::data
