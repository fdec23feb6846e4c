// Norm slots: where a model may normalise, filled by name. No model names a norm; it asks for a
// slot at every site, and the run file says what goes there. x is [B, C, H, W] behind a convolution
// and [B, F] behind a linear layer; y = gamma (x - mean) / sqrt(var + eps) + beta, eps 1e-5.
//
//   none       nothing
//   bn         batch normalization over (B, H, W) per channel, momentum 0.1. The running variance
//              is unbiased, the one used in training is biased (Ioffe & Szegedy 2015). A batch with
//              one value per channel has no variance: the slot then uses its running statistics
//              and leaves them as they are.
//   bn_fixed   bn whose running statistics are fixed after the round `fix_after` (half of the
//              rounds) and then normalise in training too (FixBN, Zhong et al., arXiv 2303.06530)
//   bn_nostat  bn without running statistics: an evaluation depends on what else is in its batch
//   brn        batch renormalization (Ioffe 2017), r within [1/3, 3] and d within [-5, 5]
//   ln         layer normalization over (C, H, W) of each example, affine per channel; over F for
//              rows (Ba et al. 2016)
//   ln_e       the same statistics, affine per element: 2 C H W parameters
//   gn:G       group normalization, G groups of channels (Wu & He 2018); where G does not divide
//              the channels, as many groups as the greatest divisor that both have
//   in         instance normalization over (H, W) per example and channel: gn:C. Where an example
//              has one value per channel, ln
//   rms        x / sqrt(mean over (C, H, W) of x^2 + eps): ln without the subtraction of the mean
//              (Zhang & Sennrich 2019), with both affine parts so that nothing else differs
//   hbn        mean and variance mix those of the batch with global ones, by a learned weight per
//              channel (Chen et al., arXiv 2505.21877); evaluation uses the global ones
//   fbn        normalises with the global statistics in training too (arXiv 2405.14670)
//
// More than a slot's filling, joined by "+" ("gn:8+ws", "ln+fn", "ws"):
//   ws         convolutions with standardised weights (models/ws_conv.cc)
//   fn, fn:mv  the features before the head get length sqrt(d), or mean 0 and variance 1
//              (models/norm/feature_norm.h)
// Options follow after commas: affine=0 (no gamma, no beta), epsilon=, momentum= (what has running
// statistics), fix_after= (bn_fixed), as in "bn,affine=0,momentum=0.05".
//
// Adding a norm to Atoll = one file with a builder + one line in the table of norm.cc. A program
// outside adds its own with a line beside the builder (docs/own_model.md):
//
//   ATOLL_REGISTER_NORM(.name = "mine", .make = make_mine);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"
#include "models/norm/norm_layer.h"
#include "models/registration.h"

namespace atl::models {

enum class FeatureNorm { kNone, kLength, kMoments };

struct NormSpec {
  std::string text = "none";  // as written
  std::string kind = "none";
  int64_t groups = 0;  // of gn
  double epsilon = 1e-5;
  double momentum = 0.1;  // weight of the new batch (fbn: of the new round) in running statistics
  bool affine = true;
  uint32_t fix_after = 0;   // of bn_fixed: the last round with moving statistics; 0: half of them
  bool weight_std = false;  // "+ws"
  FeatureNorm feature_norm = FeatureNorm::kNone;  // "+fn"

  // The slot adds a shift of its own, so the layer in front needs no bias.
  bool shifts() const;
};

// kConfig on an unknown name or a bad argument; the message lists the names.
Result<NormSpec> parse_norm(std::string_view text);
std::vector<std::string> norm_names();  // "none", "bn", ..., "gn:G", ..., "ws", "fn", "fn:mv"

// Where a slot stands.
struct NormSite {
  int64_t channels = 0;
  int spatial =
      0;  // dimensions after the channels: 2 behind a convolution, 0 behind a linear layer
  int64_t height = 0, width = 0;  // of the maps; 0: not known
};

// A layer [B, channels, ...] -> the same shape. Null for "none". kConfig when the norm does not fit
// the site.
Result<NormPtr> make_norm(const NormSpec& spec, const NormSite& site);

// One entry of the table in norm.cc. The texts live as long as the program.
struct NormKind {
  std::string_view name;
  // "", or what norm_names() shows behind a colon; a whole number above 0 that the builder finds in
  // NormSpec::groups.
  std::string_view argument = "";
  bool normalises = true;  // has gamma and beta, and takes the bias of the layer in front
  bool runs = false;       // has running statistics, and so a momentum
  Result<NormPtr> (*make)(const NormSpec&, const NormSite&) = nullptr;
};
const NormKind* find_norm(std::string_view name);  // null: there is none
// From now on parse_norm() and make_norm() know it. kConfig when there is such a norm already, or
// the name has other characters than letters, digits and '_'. Before any thread makes models.
Status register_norm(const NormKind& kind);

Result<NormPtr> make_batch_norm(const NormSpec& spec, const NormSite& site);  // bn, bn_fixed
Result<NormPtr> make_batch_norm_without_statistics(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_batch_renorm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_layer_norm(const NormSpec& spec, const NormSite& site);  // ln, ln_e
Result<NormPtr> make_group_norm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_instance_norm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_rms_norm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_hybrid_norm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_federated_norm(const NormSpec& spec, const NormSite& site);

}  // namespace atl::models

// At namespace scope, with the members of a NormKind by name. A refusal ends the program with exit
// code 3 and names the line.
#define ATOLL_REGISTER_NORM(...) \
  ATOLL_REGISTER_(::atl::models::register_norm(::atl::models::NormKind{__VA_ARGS__}))
