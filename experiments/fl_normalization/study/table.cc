#include "experiments/fl_normalization/study/table.h"

namespace atl::study {

Table curve_table() {
  return {{"round", "images_seen", "bytes_up", "bytes_down", "test_images", "test_acc", "test_loss",
           "batch_acc", "recal_acc", "local_acc_mean", "local_acc_p10"},
          {}};
}
Table ecs_table() {
  return {{"round", "layer", "frame", "tensor", "G_mu", "G_sig", "W2", "SKL", "JS", "CKA"}, {}};
}
Table bn_table() { return {{"round", "layer", "R_mu", "R_var", "M"}, {}}; }
Table contrib_table() {
  return {{"round", "client", "p", "s", "cos", "nu_max", "nu_delta_max", "Q", "L", "Z"}, {}};
}
Table norms_table() {
  return {{"round", "layer", "group", "norm", "eta_eff", "angle", "ratio"}, {}};
}
Table rounds_table() { return {{"round", "N_eff", "OI"}, {}}; }

}  // namespace atl::study
