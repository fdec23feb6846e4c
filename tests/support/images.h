// JPEG files, written by the library that most programs write them with.
#pragma once

#include <turbojpeg.h>

#include "client/data/image_file.h"
#include "common/core/bytes.h"
#include "common/core/check.h"

namespace atl::testing {

inline Bytes jpeg_of(const data::Image& image, int quality = 95) {
  unsigned char* data = nullptr;
  unsigned long size = 0;
  const auto handle = tjInitCompress();
  const bool grey = image.channels == 1;
  ATOLL_CHECK(tjCompress2(handle, image.pixels.data(), static_cast<int>(image.width), 0,
                          static_cast<int>(image.height), grey ? TJPF_GRAY : TJPF_RGB, &data, &size,
                          grey ? TJSAMP_GRAY : TJSAMP_444, quality, 0) == 0,
              "libjpeg");
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  Bytes file(bytes, bytes + size);
  tjFree(data);
  tjDestroy(handle);
  return file;
}

}  // namespace atl::testing
