// A folder of images as a data set: every sub-folder is a class, every PNG or JPEG file in it an
// example.
//
//   FOLDER/cat/a.png  FOLDER/cat/b.jpg  FOLDER/dog/c.png ...
//
// Classes are the sub-folders' names in order (as numbers where all are whole numbers); examples
// stand class after class, by file name. Names that begin with a dot are passed over; every other
// file must be an image. All images have one size and one colour, those of the first, unless the
// options say which.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/data/dataset.h"
#include "client/data/image_file.h"
#include "common/core/result.h"

namespace atl::data {

struct ImageOptions {
  std::string color;                                  // grey | rgb; empty: as the first image
  std::optional<std::pair<uint32_t, uint32_t>> size;  // height, width: images are resized to it
  std::vector<std::string> classes;                   // in order; empty: the sub-folders
};

bool has_image_name(const std::string& path);  // .png, .jpg or .jpeg, in any case

// `test_folder` empty: every n-th example is test; 0: none is. The test part's classes are the
// training part's. Bytes are [C, H, W]; mean and std are left empty. kData, naming the file, on a
// bad image, one of another size or colour, an unknown class, and more than kMaxContent bytes.
struct ImageSplits {
  Dataset train, test;
};
Result<ImageSplits> read_image_folder(const std::string& folder, const std::string& test_folder,
                                      const ImageOptions& options, uint32_t test_every);

// One file as an example of a set of this shape ({C, H, W}); `options` as the set's.
Result<Dataset> read_image_as(const std::string& path, const std::vector<int64_t>& shape,
                              const ImageOptions& options);

}  // namespace atl::data
