#include "experiments/data/feature_shift.h"

#include <algorithm>
#include <cmath>

#include "common/core/rng.h"

namespace atl::workbench {
namespace {

constexpr size_t kMostChannels = std::tuple_size_v<decltype(Camera::channels)>;

Status check(const data::Dataset& set) {
  const bool images = set.shape.size() == 3 && !set.bytes.empty() && set.shape[0] >= 1 &&
                      set.shape[0] <= static_cast<int64_t>(kMostChannels);
  if (images || set.size() == 0) return {};
  return Error(ErrorCode::kData, "a shift of features needs images of bytes with at most " +
                                     std::to_string(kMostChannels) + " channels; " + set.name +
                                     " has others")
      .hint("atoll data list says what a set holds");
}

std::vector<uint8_t> blurred(const std::vector<uint8_t>& plane, size_t height, size_t width) {
  std::vector<uint8_t> out(plane.size());
  const auto at = [&](size_t y, size_t dy, size_t x, size_t dx) {
    const size_t row = std::min(height - 1, y + dy == 0 ? 0 : y + dy - 1);
    const size_t column = std::min(width - 1, x + dx == 0 ? 0 : x + dx - 1);
    return plane[row * width + column];
  };
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      unsigned sum = 4;  // rounds
      for (size_t dy = 0; dy < 3; ++dy) {
        for (size_t dx = 0; dx < 3; ++dx) sum += at(y, dy, x, dx);
      }
      out[y * width + x] = static_cast<uint8_t>(sum / 9);
    }
  }
  return out;
}

uint8_t exposed(const Camera& camera, uint8_t level) {
  const double shifted = 127.5 + camera.contrast * (level - 127.5) + camera.offset;
  return static_cast<uint8_t>(std::lround(std::clamp(shifted, 0.0, 255.0)));
}

}  // namespace

Camera camera_of(uint64_t seed, const std::string& client, size_t channels) {
  Rng rng(seed, "camera", client);
  Camera camera;
  camera.offset = 128 * rng.uniform() - 64;
  camera.contrast = std::exp2(2 * rng.uniform() - 1);
  camera.blur = rng.uniform() < 0.5;
  rng.shuffle(std::span(camera.channels).first(channels));
  return camera;
}

void look_through(const Camera& camera, data::Dataset& set, size_t index) {
  const auto channels = static_cast<size_t>(set.shape[0]);
  const auto height = static_cast<size_t>(set.shape[1]), width = static_cast<size_t>(set.shape[2]);
  const size_t plane = height * width;
  const auto image = std::span(set.bytes).subspan(index * channels * plane, channels * plane);
  const std::vector<uint8_t> before(image.begin(), image.end());
  for (size_t c = 0; c < channels; ++c) {
    const auto from = before.begin() + static_cast<std::ptrdiff_t>(camera.channels[c] * plane);
    std::vector<uint8_t> seen(from, from + static_cast<std::ptrdiff_t>(plane));
    if (camera.blur) seen = blurred(seen, height, width);
    std::transform(seen.begin(), seen.end(), image.begin() + static_cast<std::ptrdiff_t>(c * plane),
                   [&](uint8_t level) { return exposed(camera, level); });
  }
}

Result<data::DataSplits> shift_features(const data::DataSplits& splits, uint64_t seed,
                                        std::vector<Share>& shares) {
  ATOLL_TRY(check(*splits.train));
  ATOLL_TRY(check(*splits.test));
  auto train = std::make_shared<data::Dataset>(*splits.train);
  auto test = std::make_shared<data::Dataset>(*splits.test);
  const size_t bytes = test->example_elements();
  for (auto& share : shares) {
    const auto camera = camera_of(seed, share.name, static_cast<size_t>(train->shape[0]));
    for (const uint32_t i : share.train) look_through(camera, *train, i);
    for (uint32_t& i : share.test) {
      const auto copy = static_cast<uint32_t>(test->size());
      test->labels.push_back(test->labels[i]);
      test->bytes.resize(test->bytes.size() + bytes);
      std::copy_n(test->bytes.begin() + static_cast<std::ptrdiff_t>(i * bytes), bytes,
                  test->bytes.end() - static_cast<std::ptrdiff_t>(bytes));
      i = copy;
      look_through(camera, *test, i);
    }
  }
  return data::DataSplits{std::move(train), std::move(test)};
}

}  // namespace atl::workbench
