#include "client/client_config.h"

#include "client/script_config.h"
#include "common/net/tls_transport.h"
#include "common/wire/message.h"

namespace atl::client {

Result<ClientConfig> load_client_config(const std::string& path) {
  ATOLL_ASSIGN(auto document, config::Document::load(path));
  auto root = document.root();
  ClientConfig client;
  root.read("name", client.name);
  if (!wire::is_valid_name(client.name)) {
    root.fail("name", "must be 1 to 64 letters, digits, '.', '_' or '-'");
  }
  root.read("server", client.server);
  if (auto address = net::parse_address(client.server); !address) {
    root.fail("server", address.error().message());
  }

  auto data = root.table("data");
  client.data = data::read_data_spec(data);
  data.read_path("train_indices", client.train_indices);
  data.read_path("test_indices", client.test_indices);
  data.read_choice("augment", client.augment, {"none", "pad_crop_flip"});

  client.script = read_script_file(root.table("model"));

  auto compute = root.table("compute");
  compute.read("device", client.device);
  compute.read("threads", client.threads, {.min = 1, .max = 1024});
  root.table("evaluation").read("after", client.evaluate_after);
  ATOLL_TRY(document.finish());
  return client;
}

}  // namespace atl::client
