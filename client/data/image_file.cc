#include "client/data/image_file.h"

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "client/data/compressed.h"
#include "common/core/check.h"

namespace atl::data {
namespace {

constexpr uint8_t kPngMagic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr uint8_t kJpegMagic[] = {0xff, 0xd8, 0xff};

// Of PNG: deflate expands 1,032 times at most, and a pixel has a bit or more.
constexpr uint64_t kPixelsPerByte = 8 * 1032;

template <size_t N>
bool begins_with(ByteView file, const uint8_t (&magic)[N]) {
  return file.size() >= N && std::memcmp(file.data(), magic, N) == 0;
}

const unsigned char* data_of(ByteView file) {
  return reinterpret_cast<const unsigned char*>(file.data());
}

Status check_size(uint64_t width, uint64_t height, const std::string& name) {
  if (width > 0 && height > 0 && width <= kMaxPixels / height) return {};
  return bad_file(name, "claims " + std::to_string(width) + " x " + std::to_string(height) +
                            " pixels, more than the " + std::to_string(kMaxPixels) +
                            " of an image");
}

struct PngImage {
  png_image image{};
  PngImage() { image.version = PNG_IMAGE_VERSION; }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
  ~PngImage() { png_image_free(&image); }
};

Result<Image> decode_png(ByteView file, const std::string& name) {
  PngImage reader;
  auto& png = reader.image;
  if (png_image_begin_read_from_memory(&png, file.data(), file.size()) == 0)
    return bad_file(name, std::string("is no whole PNG file: ") + png.message);
  ATOLL_TRY(check_size(png.width, png.height, name));
  if (uint64_t{png.width} * png.height > kPixelsPerByte * file.size())
    return bad_file(name, "claims more pixels than its bytes can hold");
  Image image{(png.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3u : 1u, png.height, png.width, {}};
  png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  image.pixels.resize(uint64_t{image.height} * image.width * image.channels);
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr) == 0)
    return bad_file(name, std::string("is a damaged PNG file: ") + png.message);
  return image;
}

struct JpegHandle {
  tjhandle handle = tjInitDecompress();
  JpegHandle() = default;
  JpegHandle(const JpegHandle&) = delete;
  JpegHandle& operator=(const JpegHandle&) = delete;
  ~JpegHandle() {
    if (handle != nullptr) tjDestroy(handle);
  }
};

Result<Image> decode_jpeg(ByteView file, const std::string& name) {
  const JpegHandle jpeg;
  if (jpeg.handle == nullptr) return Error(ErrorCode::kData, name + ": libjpeg cannot begin");
  auto damaged = [&] {
    return bad_file(name, std::string("is no whole JPEG file: ") + tjGetErrorStr2(jpeg.handle));
  };
  int width = 0, height = 0, sampling = 0, colours = 0;
  if (tjDecompressHeader3(jpeg.handle, data_of(file), file.size(), &width, &height, &sampling,
                          &colours) != 0)
    return damaged();
  ATOLL_TRY(check_size(static_cast<uint64_t>(width), static_cast<uint64_t>(height), name));
  Image image{colours == TJCS_GRAY ? 1u : 3u,
              static_cast<uint32_t>(height),
              static_cast<uint32_t>(width),
              {}};
  image.pixels.resize(uint64_t{image.height} * image.width * image.channels);
  const int format = image.channels == 1 ? TJPF_GRAY : TJPF_RGB;
  if (tjDecompress2(jpeg.handle, data_of(file), file.size(), image.pixels.data(), width, 0, height,
                    format, TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0)
    return damaged();
  return image;
}

// A row (or column) of a new image, among so many.
struct Line {
  uint64_t at = 0, count = 0;
  // The first one of an old image, with so many, that it covers a part of.
  uint64_t first(uint64_t old_count) const { return at * old_count / count; }
  // How much of an old one it covers, where one whole old one is `count`.
  uint64_t covers(uint64_t old_at, uint64_t old_count) const {
    const uint64_t from = std::max(at * old_count, old_at * count);
    const uint64_t to = std::min((at + 1) * old_count, (old_at + 1) * count);
    return to > from ? to - from : 0;
  }
};

// The rounded mean of channel c over what the pixel at (row, column) covers; the parts of a row
// sum to the old image's height, those of a column to its width.
uint8_t covered_mean(const Image& image, uint32_t c, Line row, Line column) {
  uint64_t sum = 0;
  for (uint64_t i = row.first(image.height); i < image.height; ++i) {
    const uint64_t rows = row.covers(i, image.height);
    if (rows == 0) break;
    for (uint64_t j = column.first(image.width); j < image.width; ++j) {
      const uint64_t columns = column.covers(j, image.width);
      if (columns == 0) break;
      sum += rows * columns * image.pixels[(i * image.width + j) * image.channels + c];
    }
  }
  const uint64_t whole = uint64_t{image.height} * image.width;
  return static_cast<uint8_t>((sum + whole / 2) / whole);
}

}  // namespace

Result<Image> decode_image(ByteView file, const std::string& name) {
  if (begins_with(file, kPngMagic)) return decode_png(file, name);
  if (begins_with(file, kJpegMagic)) return decode_jpeg(file, name);
  return bad_file(name, file.empty() ? "is empty" : "is neither a PNG nor a JPEG file");
}

Bytes encode_png(const Image& image) {
  PngImage writer;
  auto& png = writer.image;
  png.width = image.width;
  png.height = image.height;
  png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  Bytes file(size);
  const int written =
      png_image_write_to_memory(&png, file.data(), &size, 0, image.pixels.data(), 0, nullptr);
  ATOLL_CHECK(written != 0, "an image of a size that PNG has");
  file.resize(size);
  return file;
}

Image with_channels(Image image, uint32_t channels) {
  if (image.channels == channels) return image;
  const size_t count = size_t{image.height} * image.width;
  std::vector<uint8_t> pixels;
  pixels.reserve(count * channels);
  for (size_t i = 0; i < count; ++i) {
    if (channels == 3) {
      pixels.insert(pixels.end(), 3, image.pixels[i]);
    } else {
      const auto* rgb = &image.pixels[3 * i];
      pixels.push_back(
          static_cast<uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000));
    }
  }
  image.channels = channels;
  image.pixels = std::move(pixels);
  return image;
}

Image resized(const Image& image, uint32_t height, uint32_t width) {
  ATOLL_CHECK(image.height > 0 && image.width > 0, "an image has pixels");
  if (image.height == height && image.width == width) return image;
  Image out{image.channels, height, width, {}};
  out.pixels.reserve(size_t{height} * width * image.channels);
  for (uint32_t y = 0; y < height; ++y)
    for (uint32_t x = 0; x < width; ++x)
      for (uint32_t c = 0; c < image.channels; ++c)
        out.pixels.push_back(covered_mean(image, c, {y, height}, {x, width}));
  return out;
}

}  // namespace atl::data
