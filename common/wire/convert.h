// Between the structs of task.h and manifest.h and their Protobuf forms. Included by the .cc files
// of common/wire only.
#pragma once

#include "common/tensor/manifest.h"
#include "common/wire/task.h"
#include "control.pb.h"

namespace atl::wire {

void to_pb(const ModelSpec& in, pb::ModelSpec& out);
void to_pb(const TrainSettings& in, pb::TrainSettings& out);
void to_pb(const TrainReport& in, pb::Report& out);
void to_pb(const Manifest& in, pb::Join& out);

// Each refuses what is out of bounds with kProtocol and the field's name.
Status from_pb(const pb::ModelSpec& in, ModelSpec& out);
Status from_pb(const pb::TrainSettings& in, TrainSettings& out);
Status from_pb(const pb::Report& in, TrainReport& out);
Result<Manifest> from_pb(const pb::Join& in);

}  // namespace atl::wire
