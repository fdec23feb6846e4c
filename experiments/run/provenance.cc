#include "experiments/run/provenance.h"

#include <sys/utsname.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/core/file.h"
#include "common/core/version.h"
#include "experiments/report/built_with.h"
#include "experiments/report/fields.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

Json environment() {
  utsname system{};
  ::uname(&system);
  return {{"cpu", cpu_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"kernel", std::string(system.sysname) + " " + system.release},
          {"compiler", __VERSION__},
          {"torch", torch_version()},
          {"atoll", version()}};
}

std::string path_of(const std::string& run_folder) { return run_folder + "/run.json"; }

}  // namespace

Status check_provenance(const std::string& run_folder, const Provenance& record) {
  if (!std::filesystem::exists(path_of(run_folder))) return {};
  ATOLL_ASSIGN(const auto text, read_text(path_of(run_folder)));
  const auto old = Json::parse(text, nullptr, false);
  if (!old.is_object()) return Error(ErrorCode::kIo, path_of(run_folder) + " is damaged");
  const auto pointer = nlohmann::ordered_json::json_pointer("/partition/sha256");
  if (old.contains(pointer) && old.at(pointer) != record.partition_sha256) {
    return Error(ErrorCode::kConfig,
                 run_folder + " holds a run over other data or another partition")
        .hint("give this run another folder with --out");
  }
  return {};
}

Status write_provenance(const std::string& run_folder, const Provenance& record) {
  const Json json{{"command", record.command},
                  {"data", {{"set", record.set}, {"folder", record.data_folder}}},
                  {"partition",
                   {{"scheme", record.partition.scheme},
                    {"clients", record.partition.clients},
                    {"alpha", record.partition.alpha},
                    {"seed", record.partition.seed},
                    {"sha256", record.partition_sha256},
                    {"table", record.table}}},
                  {"environment", environment()},
                  {"seconds", record.seconds}};
  return write_atomic(path_of(run_folder), json.dump(2) + "\n");
}

std::string to_json(const RunOutcome& outcome) {
  return Json{{"accuracy", json_number(outcome.accuracy)},
              {"loss", json_number(outcome.loss)},
              {"rounds", outcome.rounds},
              {"seconds", outcome.seconds},
              {"model", outcome.model},
              {"model_sha256", outcome.model_sha256},
              {"run", outcome.run},
              {"report", outcome.report}}
      .dump();
}

}  // namespace atl::workbench
