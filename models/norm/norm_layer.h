// NormLayer: what fills a norm slot (norm.h), and the slot itself.
#pragma once

#include <memory>
#include <string>

#include "models/layer.h"

namespace atl::models {

// Where a layer that knows running statistics takes those from that it normalises with.
enum class Statistics {
  kUsual,       // the batch in training, the running ones in evaluation
  kBatch,       // the batch; the running ones are neither used nor touched
  kCumulative,  // the batch; the running ones become the plain mean over all batches from here on
  kRunning,     // the running ones, in training too, and they stay as they are
};

class NormLayer : public Layer {
 public:
  // kCumulative forgets the running statistics and begins anew. A layer without any does nothing.
  virtual void use(Statistics) {}
  virtual bool has_running_statistics() const { return false; }
};
using NormPtr = std::shared_ptr<NormLayer>;

// A place for a norm in a model. `layer` is null where there is none.
struct NormSlot {
  std::string site;  // "norm1": the name of its tensors in the state dict
  NormPtr layer;
};

}  // namespace atl::models
