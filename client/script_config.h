// The keys `torchscript` and `roles`, in [model] of a client.toml and in [simulate] of a run file.
#pragma once

#include "common/config/config.h"
#include "models/script/script_file.h"

namespace atl::client {

// Mistakes are noted in the document.
models::ScriptFile read_script_file(config::Table table);

}  // namespace atl::client
