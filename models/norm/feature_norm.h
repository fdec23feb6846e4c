// Feature normalization (FedFN; Zhang et al., TMLR 2024, arXiv 2308.09565): one normalization, of
// the feature vector before the head. A part of the head, so that no model has to know of it and no
// tensor is added.
#pragma once

#include "models/norm/norm.h"

namespace atl::models {

// f: [B, d] -> the same shape.
//   kLength   f / ||f|| sqrt(d), with eps 1e-5 added to the mean square
//   kMoments  (f - mean) / std over the vector, with eps added to the variance
torch::Tensor normalize_features(FeatureNorm kind, const torch::Tensor& f, double epsilon);

// The last layer: features [B, in] -> logits [B, out]. weight [out, in], bias [out].
LayerPtr make_head(int64_t in, int64_t out, const NormSpec& spec);

}  // namespace atl::models
