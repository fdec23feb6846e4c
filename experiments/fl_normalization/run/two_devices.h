// Two devices train from the same weights on the same images, but that one's are brighter, or that
// they hold other classes; then their models are averaged. Shows in seconds what external covariate
// shift is, what running statistics make of it, and how one device's weights drown the other's. Du
// et al. 2022 (arXiv 2210.03277), figure 3.
#pragma once

#include <string>
#include <vector>

#include "experiments/fl_normalization/run/study_data.h"
#include "experiments/fl_normalization/study/table.h"

namespace atl::study {

struct TwoDevicesOptions {
  std::string set = "fashion_mnist";
  std::vector<std::string> norms{"bn", "ln", "gn:2", "in", "none"};
  std::vector<uint32_t> epochs{1, 5};
  uint32_t images = 1000;  // of each device
  double shift = 0.5;      // in standard deviations: added to B's normalised images
  double rate = 0.05, momentum = 0.5;
  uint32_t batch = 64;
  uint64_t seed = 1;
};

struct TwoDevices {
  // By variant (shift: B's images are brighter; labels: A has the lower half of the classes, B the
  // upper), norm, E and layer, in the order of the forward pass. G_mu ... JS: what each device's
  // own model sees of its own images, before the norm. M of the average over both devices' images.
  Table layers{{"variant", "norm", "E", "layer", "G_mu", "G_sig", "W2", "SKL", "JS", "CKA", "R_mu",
                "R_var", "M_all", "M_pooled"},
               {}};
  // Test accuracy on A's kind of images and on B's, of A, B and their averages; under "fedbn" each
  // device's own slots.
  Table accuracy{{"variant", "norm", "E", "model", "on_A", "on_B"}, {}};
  // B's last convolution scaled before averaging; `local`: accuracy of B's model itself.
  Table obliteration{{"norm", "scale", "local_B", "OI", "N_eff", "s_A", "Q_A", "Q_B"}, {}};
  // 64 bins of each device's features of one channel, before the norm.
  Table histograms{{"variant", "norm", "E", "layer", "device", "from", "to", "share"}, {}};
  double seconds = 0;
};

// Variants and norms side by side, one a core; the labels' variant trains for the most epochs only.
// Errors of the trainer, of the data, and kConfig on a norm that is not known.
Result<TwoDevices> run_two_devices(const TwoDevicesOptions& options, StudyData& data);

// layers.csv, accuracy.csv, obliteration.csv, histograms.csv
Status write_files(const TwoDevices& result, const std::string& folder);
std::string to_text(const TwoDevices& result);

}  // namespace atl::study
