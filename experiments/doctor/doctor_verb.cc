#include "experiments/doctor/doctor_verb.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/config/config.h"
#include "common/core/file.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::vector<std::string> paths;
  bool json = false;
};

enum class Kind { kServer, kClient, kRunFile, kUnknown };

Kind kind_of_folder(const std::string& path) {
  if (exists(path + "/server.toml") || exists(path + "/identity/authority.key"))
    return Kind::kServer;
  if (exists(path + "/client.toml") || exists(path + "/identity/client.key")) return Kind::kClient;
  return Kind::kUnknown;
}

struct Named {
  Kind kind = Kind::kUnknown;
  std::string path;
};

// A server.toml or client.toml stands for its folder.
Named named(const std::string& text) {
  std::error_code ignored;
  if (fs::is_directory(text, ignored)) {
    auto path = text;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return {kind_of_folder(path), path};
  }
  const auto file = fs::path(text);
  const auto folder = file.has_parent_path() ? file.parent_path().string() : std::string(".");
  if (file.filename() == "server.toml" && kind_of_folder(folder) == Kind::kServer)
    return {Kind::kServer, folder};
  if (file.filename() == "client.toml" && kind_of_folder(folder) == Kind::kClient)
    return {Kind::kClient, folder};
  const bool is_file = file.extension() == ".toml" && fs::is_regular_file(file, ignored);
  return {is_file ? Kind::kRunFile : Kind::kUnknown, text};
}

const char* name_of(Grade grade) {
  return grade == Grade::kOk ? "ok" : grade == Grade::kWarning ? "warning" : "problem";
}

std::string plural(size_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace

Result<Findings> examine(const std::vector<std::string>& paths, const TorchFacts& torch,
                         net::WallTime now) {
  std::vector<Named> all;
  std::vector<server::ServerFolder> servers;
  for (const auto& path : paths) {
    all.push_back(named(path));
    if (all.back().kind == Kind::kUnknown) {
      return Error(ErrorCode::kUsage,
                   path + (exists(path) ? " is neither a server's folder, nor a client's, nor a "
                                          "run file (FILE.toml)"
                                        : " is not there"))
          .hint(
              "atoll doctor, without a name, looks at this machine; atoll new NAME makes a "
              "project");
    }
    if (all.back().kind == Kind::kServer) servers.push_back({all.back().path});
  }
  Findings findings;
  check_machine(findings, torch, now);
  for (const auto& [kind, path] : all) {
    if (kind == Kind::kServer) check_server(findings, {path}, now);
    if (kind == Kind::kClient) check_client(findings, {path}, servers, torch, now);
    if (kind == Kind::kRunFile) check_run_file(findings, path, torch);
  }
  return findings;
}

Status verdict(const Findings& findings) {
  const auto* first = findings.first_problem();
  if (first == nullptr) return {};
  const auto about = first->about.empty() ? "this machine" : first->about;
  return Error(first->code, about + ": " + first->check + ": " + first->text)
      .wrap("the doctor found " + plural(findings.count(Grade::kProblem), "problem"))
      .hint(first->next);
}

std::string to_text(const Findings& findings) {
  std::string out, about = "?";
  for (const auto& finding : findings.all()) {
    if (finding.about != about) {
      about = finding.about;
      out += (out.empty() ? "" : "\n") + (about.empty() ? "this machine" : printable(about)) + "\n";
    }
    out += "  " + padded(name_of(finding.grade), 9) + padded(finding.check, 13) +
           printable(finding.text) + "\n";
    if (!finding.next.empty()) out += padded("", 24) + "next: " + printable(finding.next) + "\n";
  }
  return out + "\n" + plural(findings.count(Grade::kProblem), "problem") + ", " +
         plural(findings.count(Grade::kWarning), "warning") + ", " +
         std::to_string(findings.count(Grade::kOk)) + " good\n";
}

std::string to_json(const Findings& findings) {
  using Json = nlohmann::ordered_json;
  Json checks = Json::array();
  for (const auto& finding : findings.all()) {
    Json check{{"about", finding.about},
               {"check", finding.check},
               {"grade", name_of(finding.grade)},
               {"text", finding.text},
               {"next", finding.next}};
    if (finding.grade == Grade::kProblem) {
      check["code"] = static_cast<int>(finding.code);
      check["name"] = to_string(finding.code);
    }
    checks.push_back(std::move(check));
  }
  const auto* first = findings.first_problem();
  return Json{{"problems", findings.count(Grade::kProblem)},
              {"warnings", findings.count(Grade::kWarning)},
              {"status", first == nullptr ? 0 : static_cast<int>(first->code)},
              {"checks", std::move(checks)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_doctor_verb(CLI::App& app, Verbs& verbs, std::function<TorchFacts()> torch) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand(
      "doctor", "look at this machine, and at folders and run files, and say what is wrong");
  verb->add_option("path", options->paths, "a server's folder, a client's, or a run file")
      ->type_name("FOLDER|FILE.toml");
  verb->add_flag("--json", options->json, "print one JSON object");
  verbs.push_back({verb, [options, torch]() -> Status {
                     ATOLL_ASSIGN(const auto findings, examine(options->paths, torch(),
                                                               std::chrono::system_clock::now()));
                     std::cout << (options->json ? to_json(findings) + "\n" : to_text(findings));
                     return verdict(findings);
                   }});
}

}  // namespace atl::workbench
