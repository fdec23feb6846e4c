#include "client/script_config.h"

namespace atl::client {

models::ScriptFile read_script_file(config::Table table) {
  models::ScriptFile file;
  table.read_path("torchscript", file.path);
  std::vector<std::string> roles;
  table.read("roles", roles);
  for (const auto& entry : roles) {
    const auto equals = entry.find('=');
    const auto role =
        equals == std::string::npos ? std::nullopt : role_from_string(entry.substr(equals + 1));
    if (role)
      file.roles[entry.substr(0, equals)] = *role;
    else
      table.fail("roles",
                 "\"" + entry + "\" is no TENSOR=ROLE, such as \"fc3.weight=head_weight\"");
  }
  return file;
}

}  // namespace atl::client
