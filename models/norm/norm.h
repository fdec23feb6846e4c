// Norm slots: where a model may normalise, filled by name. No model names a norm; it asks for a
// slot at every site, and the run file says what goes there.
//
//   none   nothing
//   bn     batch normalization over (B, H, W) per channel, momentum 0.1, eps 1e-5. The running
//          variance is unbiased, the one used in training is biased (Ioffe & Szegedy 2015). A batch
//          with one value per channel has no variance: the slot then uses its running statistics
//          and leaves them as they are.
//   ln     layer normalization over (C, H, W) of each example, affine per channel; over F for rows
//          (Ba et al. 2016)
//   gn:G   group normalization, G groups of channels (Wu & He 2018); G must divide the channels
//
// Adding a norm = one file with a builder + one line in the table of norm.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"
#include "models/norm/norm_layer.h"

namespace atl::models {

struct NormSpec {
  std::string kind = "none";
  int64_t groups = 0;  // of gn
  double epsilon = 1e-5;
  double momentum = 0.1;  // of bn: weight of the new batch in the running statistics

  // The slot adds a shift of its own, so the layer in front needs no bias.
  bool shifts() const;
};

// kConfig on an unknown name or a bad argument; the message lists the names.
Result<NormSpec> parse_norm(std::string_view text);
std::vector<std::string> norm_names();  // "none", "bn", "ln", "gn:G"

// Where a slot stands.
struct NormSite {
  int64_t channels = 0;
  int spatial =
      0;  // dimensions after the channels: 2 behind a convolution, 0 behind a linear layer
};

// A layer [B, channels, ...] -> the same shape. Null for "none". kConfig when the norm does not fit
// the site.
Result<NormPtr> make_norm(const NormSpec& spec, const NormSite& site);

// One entry of the table in norm.cc.
struct NormKind {
  std::string_view name;
  std::string_view argument;  // "" or what stands after the colon
  bool shifts;
  Result<NormPtr> (*make)(const NormSpec&, const NormSite&);
};
Result<NormPtr> make_batch_norm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_layer_norm(const NormSpec& spec, const NormSite& site);
Result<NormPtr> make_group_norm(const NormSpec& spec, const NormSite& site);

}  // namespace atl::models
