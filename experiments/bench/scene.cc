#include "experiments/bench/scene.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "common/core/file.h"
#include "experiments/bench/generated_trainer.h"

namespace atl::bench {

Result<Scene> begin_scene(const std::string& program, const std::string& folder, size_t clients,
                          uint32_t rounds, const std::string& more) {
  ATOLL_TRY(output_of({program, "init", folder, "--listen", "127.0.0.1:0"}));
  std::ostringstream toml;
  toml << "name = \"load\"\nrounds = " << rounds << "\n[listen]\naddress = \"127.0.0.1:0\"\n"
       << "[selection]\nmin_clients = " << clients << "\n[timeouts]\nprogress_s = 600.0\n"
       << more;
  ATOLL_TRY(write_atomic(folder + "/server.toml", toml.str()));
  Scene scene;
  scene.folder = folder;
  ATOLL_ASSIGN(scene.crowd.manifest, generated_manifest(kTinyModel, 2, false));
  scene.crowd.server_folder = folder;
  scene.crowd.folder = folder + "-clients";
  scene.crowd.clients = clients;
  ATOLL_TRY(sign_certificates(scene.crowd));
  ATOLL_ASSIGN(scene.server, Process::start({program, "run", folder}));
  ATOLL_ASSIGN(scene.crowd.address, scene.server->wait_for("listening on "));
  return scene;
}

Result<Told> read_metrics(const std::string& folder) {
  ATOLL_ASSIGN(const auto text, read_text(folder + "/run/metrics.jsonl", 1u << 30));
  Told told;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    if (json.value("event", "") == "round") told.seconds.add(json.value("seconds", 0.0));
    told.refused += json.value("event", "") == "refused";
  }
  return told;
}

}  // namespace atl::bench
