#include "client/data/image_folder.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <limits>

#include "client/data/compressed.h"

namespace atl::data {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMaxFile = 256u << 20;

struct Entry {
  fs::path path;
  uint32_t label = 0;
};

// What is in a folder, by name; without hidden names.
Result<std::vector<fs::path>> list(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().front() != '.') paths.push_back(at->path());
  if (error) {
    return Error(ErrorCode::kData,
                 "cannot read the folder " + folder.string() + ": " + error.message())
        .hint("look at train and test in [data]");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::optional<uint64_t> whole_number(const std::string& text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::vector<std::string>> class_names(const fs::path& folder) {
  ATOLL_ASSIGN(const auto paths, list(folder));
  std::vector<std::string> names;
  bool numbers = true;
  for (const auto& path : paths) {
    names.push_back(path.filename().string());
    numbers = numbers && whole_number(names.back());
  }
  if (numbers) {
    std::stable_sort(names.begin(), names.end(), [](const auto& a, const auto& b) {
      return *whole_number(a) < *whole_number(b);
    });
  }
  if (names.empty()) {
    return Error(ErrorCode::kData, folder.string() + " is empty; it wants a folder for each class")
        .hint("look at train and test in [data]");
  }
  return names;
}

Error not_wanted(const fs::path& path, const std::string& why) {
  return Error(ErrorCode::kData, path.string() + " " + why)
      .hint(
          "move it elsewhere: a folder of images has FOLDER/CLASS/IMAGE.png or .jpg, and no more");
}

// Every image of the folder with its class.
Result<std::vector<Entry>> find_images(const fs::path& folder,
                                       const std::vector<std::string>& classes) {
  ATOLL_ASSIGN(const auto folders, list(folder));
  std::vector<Entry> found;
  std::error_code ignored;
  for (const auto& of_class : folders) {
    if (!fs::is_directory(of_class, ignored))
      return not_wanted(of_class, "is no folder of a class");
    const auto at = std::find(classes.begin(), classes.end(), of_class.filename().string());
    if (at == classes.end())
      return Error(ErrorCode::kData, of_class.string() + " is none of the classes")
          .hint(
              "list all of them in the same order at every client: classes = [\"...\"] in [data]");
    ATOLL_ASSIGN(const auto paths, list(of_class));
    for (const auto& path : paths) {
      if (!fs::is_regular_file(path, ignored) || !has_image_name(path.string()))
        return not_wanted(path, "is no image");
      found.push_back({path, static_cast<uint32_t>(at - classes.begin())});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Entry& a, const Entry& b) { return a.label < b.label; });
  if (found.empty())
    return Error(ErrorCode::kData, folder.string() + " holds no image")
        .hint("look at train and test in [data]");
  return found;
}

std::string text_of(const Image& image) {
  return std::to_string(image.height) + " x " + std::to_string(image.width) +
         (image.channels == 1 ? " in grey" : " in RGB");
}

Result<Image> read_image(const std::string& path, const ImageOptions& options) {
  ATOLL_ASSIGN(const auto file, read_content(path, kMaxFile));
  ATOLL_ASSIGN(auto image, decode_image(file, path));
  if (!options.color.empty())
    image = with_channels(std::move(image), options.color == "grey" ? 1 : 3);
  if (options.size) image = resized(image, options.size->first, options.size->second);
  return image;
}

void append_planes(std::vector<uint8_t>& out, const Image& image) {
  const size_t count = size_t{image.height} * image.width;
  for (uint32_t c = 0; c < image.channels; ++c)
    for (size_t i = 0; i < count; ++i) out.push_back(image.pixels[i * image.channels + c]);
}

// Reads image after image into parts of one shape.
class Reader {
 public:
  Reader(const ImageOptions& options, uint64_t images) : options_(options), images_(images) {}

  Status read(const Entry& entry, Dataset& part) {
    const auto path = entry.path.string();
    ATOLL_ASSIGN(const auto image, read_image(path, options_));
    if (first_.empty()) ATOLL_TRY(begin(image, path));
    if (text_of(image) != kind_) {
      return Error(ErrorCode::kData,
                   path + " is " + text_of(image) + ", but " + first_ + " is " + kind_)
          .hint("give all one size and colour: size = [28, 28], color = \"grey\" in [data]");
    }
    append_planes(part.bytes, image);
    part.labels.push_back(entry.label);
    return {};
  }
  const std::vector<int64_t>& shape() const { return shape_; }

 private:
  Status begin(const Image& image, const std::string& path) {
    first_ = path;
    kind_ = text_of(image);
    shape_ = {image.channels, image.height, image.width};
    if (image.pixels.size() <= kMaxContent / images_) return {};
    return Error(ErrorCode::kData, std::to_string(images_) + " images like " + path + " (" + kind_ +
                                       ") are more than " + std::to_string(kMaxContent) + " bytes")
        .hint("make them smaller: size = [HEIGHT, WIDTH] in [data]");
  }

  const ImageOptions& options_;
  uint64_t images_;
  std::string first_, kind_;
  std::vector<int64_t> shape_;
};

}  // namespace

bool has_image_name(const std::string& path) {
  auto ending = fs::path(path).extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

Result<ImageSplits> read_image_folder(const std::string& folder, const std::string& test_folder,
                                      const ImageOptions& options, uint32_t test_every) {
  auto classes = options.classes;
  if (classes.empty()) {
    ATOLL_ASSIGN(classes, class_names(folder));
  }
  ATOLL_ASSIGN(const auto found, find_images(folder, classes));
  std::vector<Entry> tests;
  if (!test_folder.empty()) {
    ATOLL_ASSIGN(tests, find_images(test_folder, classes));
    test_every = 0;
  }
  ImageSplits splits;
  Reader reader(options, found.size() + tests.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const bool is_test = test_every > 0 && i % test_every == test_every - 1;
    ATOLL_TRY(reader.read(found[i], is_test ? splits.test : splits.train));
  }
  for (const auto& entry : tests) ATOLL_TRY(reader.read(entry, splits.test));
  splits.train.name = folder;
  splits.test.name = test_folder.empty() ? folder : test_folder;
  for (auto* part : {&splits.train, &splits.test}) {
    part->shape = reader.shape();
    part->class_names = classes;
    part->classes = static_cast<uint32_t>(classes.size());
  }
  return splits;
}

Result<Dataset> read_image_as(const std::string& path, const std::vector<int64_t>& shape,
                              const ImageOptions& options) {
  ATOLL_ASSIGN(auto image, read_image(path, options));
  if (options.color.empty() && shape.size() == 3 && (shape[0] == 1 || shape[0] == 3))
    image = with_channels(std::move(image), static_cast<uint32_t>(shape[0]));
  Dataset set;
  set.name = path;
  set.shape = {image.channels, image.height, image.width};
  if (set.shape != shape) {
    return Error(ErrorCode::kData,
                 path + " is " + text_of(image) + ", which is not what the model's images are")
        .hint("size = [HEIGHT, WIDTH] in [data] resizes it");
  }
  append_planes(set.bytes, image);
  set.labels = {0};
  return set;
}

}  // namespace atl::data
