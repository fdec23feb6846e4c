#include "client/data/idx.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>

#include "client/data/compressed.h"

namespace atl::data {
namespace {

constexpr uint32_t kUnsignedByte = 0x08;

struct Header {
  std::vector<uint32_t> extents;
  ByteView values;
};

uint32_t big_endian(ByteView bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  return value;
}

std::string hex_word(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08x", value);
  return text;
}

Result<Header> parse_header(ByteView file, const std::string& name) {
  if (file.size() < 4)
    return bad_file(name,
                    "is truncated: " + std::to_string(file.size()) + " bytes are no IDX header");
  const uint32_t magic = big_endian(file);
  const uint32_t type = magic >> 8 & 0xff, dimensions = magic & 0xff;
  if (magic >> 16 != 0 || dimensions == 0 || dimensions > 4)
    return bad_file(name, "is not an IDX file: it begins with " + hex_word(magic));
  if (type != kUnsignedByte)
    return bad_file(name, "holds values of IDX type " + hex_word(type) +
                              "; only unsigned bytes (0x08) are read");
  if (file.size() < 4 + 4 * dimensions)
    return bad_file(name, "is truncated: it ends inside its header");
  Header header;
  uint64_t total = 1;
  std::string claimed;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const uint32_t extent = big_endian(file.subspan(4 + 4 * i));
    header.extents.push_back(extent);
    claimed += (i == 0 ? "" : " x ") + std::to_string(extent);
    if (extent == 0) return bad_file(name, "claims an extent of 0");
    if (total > std::numeric_limits<uint64_t>::max() / extent)
      return bad_file(name, "claims " + claimed + " bytes, more than any file holds");
    total *= extent;
  }
  header.values = file.subspan(4 + 4 * dimensions);
  if (header.values.size() != total) {
    return bad_file(name,
                    std::string(header.values.size() < total ? "is truncated"
                                                             : "has bytes after its last value") +
                        ": its header claims " + claimed + " = " + std::to_string(total) +
                        " bytes, and " + std::to_string(header.values.size()) + " follow");
  }
  return header;
}

}  // namespace

Result<IdxImages> parse_idx_images(ByteView file, const std::string& name) {
  ATOLL_ASSIGN(auto header, parse_header(file, name));
  const auto& extents = header.extents;
  if (extents.size() == 1)
    return bad_file(name, "holds labels (one dimension) where images are wanted");
  if (extents.size() == 2)
    return bad_file(name, "has 2 dimensions; images have 3 (N, H, W) or 4 (N, C, H, W)");
  IdxImages images;
  images.count = extents[0];
  if (extents.size() == 3) images.shape.push_back(1);
  images.shape.insert(images.shape.end(), extents.begin() + 1, extents.end());
  images.pixels = header.values;
  return images;
}

Result<ByteView> parse_idx_labels(ByteView file, const std::string& name) {
  ATOLL_ASSIGN(auto header, parse_header(file, name));
  if (header.extents.size() != 1)
    return bad_file(name, "holds " + std::to_string(header.extents.size()) +
                              " dimensions where labels (one) are wanted");
  return header.values;
}

Result<Dataset> make_idx(ByteView images, const std::string& images_name, ByteView labels,
                         const std::string& labels_name, uint32_t classes) {
  ATOLL_ASSIGN(auto parsed, parse_idx_images(images, images_name));
  ATOLL_ASSIGN(auto classes_of, parse_idx_labels(labels, labels_name));
  if (parsed.count != classes_of.size())
    return bad_file(labels_name, "holds " + std::to_string(classes_of.size()) + " labels, but " +
                                     images_name + " holds " + std::to_string(parsed.count) +
                                     " images");
  Dataset set;
  set.name = images_name;
  set.shape = parsed.shape;
  set.labels.reserve(parsed.count);
  uint32_t largest = 0;
  for (size_t i = 0; i < classes_of.size(); ++i) {
    const auto label = std::to_integer<uint32_t>(classes_of[i]);
    if (classes != 0 && label >= classes)
      return bad_file(labels_name, "label " + std::to_string(label) + " of example " +
                                       std::to_string(i) + " is not below " +
                                       std::to_string(classes));
    largest = std::max(largest, label);
    set.labels.push_back(label);
  }
  set.classes = classes != 0 ? classes : largest + 1;
  set.bytes.resize(parsed.pixels.size());
  std::memcpy(set.bytes.data(), parsed.pixels.data(), parsed.pixels.size());
  return set;
}

Result<Dataset> read_idx(const std::string& images_path, const std::string& labels_path,
                         uint32_t classes) {
  ATOLL_ASSIGN(auto images, read_content(images_path));
  ATOLL_ASSIGN(auto labels, read_content(labels_path));
  return make_idx(images, images_path, labels, labels_path, classes);
}

}  // namespace atl::data
