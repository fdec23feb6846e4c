#include "experiments/bench/network/federation.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "common/core/file.h"
#include "experiments/bench/generated_trainer.h"

namespace atl::bench {
namespace {

namespace fs = std::filesystem;

std::string run_file(const FederationPlan& plan, const std::string& address) {
  std::ostringstream toml;
  toml << "name = \"network\"\nrounds = " << plan.rounds << "\n[listen]\naddress = \"" << address
       << "\"\n[selection]\nmin_clients = " << plan.clients << "\n[evaluation]\nevery = 0\n";
  return toml.str();
}

}  // namespace

Result<std::unique_ptr<LinkedFederation>> LinkedFederation::make(FederationPlan plan,
                                                                 const EmulatedLink* link) {
  std::unique_ptr<LinkedFederation> made(new LinkedFederation(std::move(plan), link));
  const auto& p = made->plan_;
  const std::string address =
      link == nullptr ? "127.0.0.1:0" : std::string(EmulatedLink::kServer) + ":7070";
  ATOLL_TRY(make_folders(p.folder));
  ATOLL_TRY(output_of({p.server, "init", p.folder + "/server", "--name", EmulatedLink::kServer,
                       "--name", "127.0.0.1", "--listen", address}));
  ATOLL_TRY(write_atomic(p.folder + "/server/server.toml", run_file(p, address)));
  auto& crowd = made->crowd_;
  ATOLL_ASSIGN(crowd.manifest, generated_manifest(p.model_bytes, 4, false));
  crowd.server_folder = p.folder + "/server";
  crowd.folder = p.folder + "/clients";
  crowd.clients = p.clients;
  crowd.threads = p.clients;
  crowd.limit = p.limit;
  ATOLL_TRY(sign_certificates(crowd));
  return made;
}

LinkedFederation::~LinkedFederation() {
  server_.reset();
  std::error_code ignored;
  fs::remove_all(plan_.folder, ignored);
}

Status LinkedFederation::start_server() {
  std::optional<NetworkNamespace::Inside> inside;
  if (link_ != nullptr) inside.emplace(link_->server_side());
  ATOLL_ASSIGN(auto process, Process::start({plan_.server, "run", plan_.folder + "/server"}));
  ATOLL_ASSIGN(crowd_.address, process->wait_for("listening on "));
  server_ = std::move(process);
  return {};
}

Status LinkedFederation::restart_server(const std::function<void()>& between) {
  const std::lock_guard lock(mutex_);
  server_.reset();
  between();
  return start_server();
}

// The model's hash.
Result<std::string> LinkedFederation::finish_server() {
  ATOLL_TRY(server_->wait());
  server_.reset();
  ATOLL_ASSIGN(const auto text, read_text(plan_.folder + "/server/run/status.json"));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("state", "") != "finished")
    return Error(ErrorCode::kInternal, "the run is not finished: " + text);
  return json.value("model_sha256", "");
}

void LinkedFederation::note(FederationOutcome& outcome, Moment moment, size_t client,
                            uint32_t round) {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const bool down = moment == Moment::kFetch || moment == Moment::kModel;
    auto& transfers = down ? outcome.down : outcome.up;
    transfers.try_emplace(round, Transfer{now, now}).first->second.ended = now;
  }
  hook(moment, client, round);
}

Result<FederationOutcome> LinkedFederation::run() {
  FederationOutcome outcome;
  std::vector<uint32_t> offered(plan_.clients);
  crowd_.observer = [&](size_t k) {
    Observer observer;
    observer.sent = [&, k](const wire::Message& message) {
      if (const auto* fetch = std::get_if<wire::Fetch>(&message))
        note(outcome, Moment::kFetch, k, fetch->round);
      const auto* offer = std::get_if<wire::Offer>(&message);
      if (offer == nullptr) return;
      offered[k] = offer->round;
      note(outcome, Moment::kOffer, k, offer->round);
    };
    observer.received = [&, k](const wire::Message& message) {
      if (std::holds_alternative<wire::Outcome>(message))
        note(outcome, Moment::kTaken, k, offered[k]);
    };
    return observer;
  };
  crowd_.train = [&](size_t k, const client::Task& task) -> Status {
    note(outcome, Moment::kModel, k, task.round);
    std::this_thread::sleep_for(training(k, task.round));
    return {};
  };
  const auto begun = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    ATOLL_TRY(start_server());
  }
  CrowdOutcome crowd;
  {
    std::optional<NetworkNamespace::Inside> inside;
    if (link_ != nullptr) inside.emplace(link_->client_side());
    ATOLL_ASSIGN(crowd, run_crowd(crowd_));
  }
  outcome.reconnects = crowd.reconnects;
  outcome.problem = crowd.first_error;
  if (outcome.problem.empty()) {
    const std::lock_guard lock(mutex_);
    auto model = finish_server();
    if (model)
      outcome.model = *model;
    else
      outcome.problem = model.error().message();
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return outcome;
}

}  // namespace atl::bench
