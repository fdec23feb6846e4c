// A client as its client.toml says it: who it is, where its server is, what it trains on.
// enroll.cc writes a commented one.
#pragma once

#include <string>

#include "client/data/data_spec.h"
#include "common/config/config.h"
#include "common/core/result.h"
#include "models/script/script_file.h"

namespace atl::client {

struct ClientConfig {
  std::string name;    // name: as in the certificate
  std::string server;  // server: host:port

  data::DataSpec data;           // [data] see data/data_spec.h
  std::string train_indices;     // [data] this client's share, one index a line; absent: everything
  std::string test_indices;      // [data]
  std::string augment = "none";  // [data] none | pad_crop_flip

  models::ScriptFile script;  // [model] torchscript, roles: this machine's network for a run of the
                              // model "torchscript"

  std::string device = "auto";  // [compute] auto | cpu | cuda:N
  uint32_t threads = 1;         // [compute] intra-op threads
  bool evaluate_after = false;  // [evaluation] after
};

Result<ClientConfig> load_client_config(const std::string& path);

}  // namespace atl::client
