// IDX files, the format of MNIST: 0 0 TYPE DIMS, then DIMS big-endian 32-bit extents, then the
// values. Images are unsigned bytes of 3 dimensions [N, H, W] or 4 [N, C, H, W]; labels are
// unsigned bytes of one dimension [N]. Source: "The MNIST database", LeCun, Cortes, Burges.
#pragma once

#include <string>
#include <vector>

#include "client/data/dataset.h"
#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

// A view into the file's bytes. Every extent is checked against the file's length, so nothing is
// allocated for what a header merely claims.
struct IdxImages {
  size_t count = 0;
  std::vector<int64_t> shape;  // of one image, {C, H, W}
  ByteView pixels;
};
Result<IdxImages> parse_idx_images(ByteView file, const std::string& name);
Result<ByteView> parse_idx_labels(ByteView file, const std::string& name);

// Images with their labels. `classes` 0: one more than the largest label. Labels outside of
// [0, classes), and a count of labels other than that of images, are kData errors. Mean and std are
// left empty.
Result<Dataset> make_idx(ByteView images, const std::string& images_name, ByteView labels,
                         const std::string& labels_name, uint32_t classes = 0);
// The same from files, plain or packed.
Result<Dataset> read_idx(const std::string& images_path, const std::string& labels_path,
                         uint32_t classes = 0);

}  // namespace atl::data
