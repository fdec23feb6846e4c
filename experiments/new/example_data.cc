#include "experiments/new/example_data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "client/data/image_file.h"
#include "common/core/file.h"
#include "common/core/rng.h"

namespace atl::workbench {
namespace {

constexpr int kSide = 16;

// A bright circle, or a cross, somewhere near the middle, with noise.
data::Image drawn(bool circle, Rng& rng) {
  data::Image image{1, kSide, kSide, {}};
  const double x0 = 6 + 3 * rng.uniform(), y0 = 6 + 3 * rng.uniform(), r = 3 + 2 * rng.uniform();
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double dx = std::abs(x - x0), dy = std::abs(y - y0);
      const double away = circle ? std::abs(std::hypot(dx, dy) - r)
                                 : std::max(std::abs(dx - dy) / 1.5, std::max(dx, dy) - r);
      const double ink = 200 * std::clamp(1.2 - away, 0.0, 1.0) + 55 * rng.uniform();
      image.pixels.push_back(static_cast<uint8_t>(ink));
    }
  }
  return image;
}

}  // namespace

std::string example_table() {
  Rng rng(1, "example table");
  std::string text = "size,colour,sort\n";
  for (int i = 0; i < 300; ++i) {
    const bool pear = rng.below(2) == 0, yellow = rng.below(2) == 0;
    char line[64];
    std::snprintf(line, sizeof(line), "%.2f,%s,%s\n", (pear ? 8 : 5) + 1.2 * rng.normal(),
                  yellow ? "yellow"
                  : pear ? "green"
                         : "blue",
                  pear ? "pear" : "plum");
    text += line;
  }
  return text;
}

Status write_example_images(const std::string& folder) {
  Rng rng(1, "example images");
  for (const bool circle : {true, false}) {
    const auto of_class = folder + (circle ? "/circle" : "/cross");
    ATOLL_TRY(make_folders(of_class));
    for (int i = 0; i < 60; ++i) {
      char name[16];
      std::snprintf(name, sizeof(name), "/%02d.png", i);
      const auto png = data::encode_png(drawn(circle, rng));
      ATOLL_TRY(write_atomic(of_class + name, as_text(png)));
    }
  }
  return {};
}

}  // namespace atl::workbench
