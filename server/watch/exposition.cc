#include "server/watch/exposition.h"

#include <charconv>
#include <cmath>

#include "common/core/version.h"

namespace atl::server {
namespace {

// The shortest text that reads back as the same number; Prometheus knows NaN and the infinities.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// One metric family after the other: its help, its type, its samples.
class Page {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text_.append(name).append(" ").append(type).append("\n");
  }
  void sample(const std::string& value, Labels labels = {}, std::string_view suffix = "") {
    text_.append(name_).append(suffix);
    const char* before = "{";
    for (const auto& [key, label] : labels) {
      text_.append(before).append(key).append("=\"").append(escaped(label)).append("\"");
      before = ",";
    }
    if (labels.size() > 0) text_ += '}';
    text_.append(" ").append(value).append("\n");
  }
  void sample(uint64_t value, Labels labels = {}) { sample(std::to_string(value), labels); }
  void sample(double value, Labels labels = {}) { sample(number(value), labels); }

  void gauge(std::string_view name, std::string_view help, double value) {
    begin(name, "gauge", help);
    sample(value);
  }
  void counter(std::string_view name, std::string_view help, uint64_t value) {
    begin(name, "counter", help);
    sample(value);
  }
  void histogram(std::string_view name, std::string_view help, const Histogram& histogram) {
    begin(name, "histogram", help);
    uint64_t up_to_here = 0;
    for (size_t i = 0; i < histogram.counts().size(); ++i) {
      up_to_here += histogram.counts()[i];
      const bool last = i == Histogram::kBounds.size();
      const auto bound = last ? "+Inf" : number(Histogram::kBounds[i]);
      sample(std::to_string(up_to_here), {{"le", bound}}, "_bucket");
    }
    sample(number(histogram.sum()), {}, "_sum");
    sample(std::to_string(up_to_here), {}, "_count");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string_view name_;
  std::string text_;
};

void add_run(Page& page, const Context& context) {
  const auto& instruments = context.instruments;
  page.begin("atoll_build_info", "gauge", "The program's version; always 1.");
  page.sample(uint64_t{1}, {{"version", version()}});
  page.begin("atoll_run_info", "gauge", "The run and the hash of its configuration; always 1.");
  page.sample(uint64_t{1},
              {{"run", context.config.name}, {"config_sha256", context.store->config_sha256()}});
  page.begin("atoll_run_state", "gauge", "1 for the state that the run is in.");
  for (const char* state : {"running", "paused", "draining", "finished"})
    page.sample(uint64_t{std::string_view(context.state()) == state}, {{"state", state}});
  page.gauge("atoll_uptime_seconds", "Since this server was started.",
             std::chrono::duration<double>(std::chrono::steady_clock::now() - instruments.started)
                 .count());
  page.gauge("atoll_round", "The last committed round.", context.store->round());
  page.gauge("atoll_rounds", "Rounds that the run has in all.", context.config.rounds);
  page.counter("atoll_rounds_committed_total", "Rounds committed since the start.",
               instruments.rounds);
  page.histogram("atoll_round_duration_seconds", "From a round's opening to its model on the disk.",
                 instruments.round_seconds);
  page.histogram("atoll_upload_duration_seconds", "Of each update that went into a model.",
                 instruments.upload_seconds);
  page.histogram("atoll_aggregation_duration_seconds",
                 "Reducing a round's updates and writing the model.",
                 instruments.aggregation_seconds);
  if (instruments.evaluations == 0) return;
  page.gauge("atoll_evaluated_round", "The round of the newest evaluation.",
             instruments.evaluated_round);
  page.gauge("atoll_accuracy_ratio", "Correct predictions of the newest evaluation.",
             instruments.accuracy);
  page.gauge("atoll_loss", "Mean loss of the newest evaluation.", instruments.loss);
}

void add_traffic(Page& page, const Context& context) {
  const auto& instruments = context.instruments;
  page.counter("atoll_sent_bytes_total", "Of models, to clients.", context.bytes_down);
  page.counter("atoll_received_bytes_total", "Of updates, from clients.", context.bytes_up);
  page.counter("atoll_updates_accepted_total", "Updates that went into a model.",
               instruments.updates);
  page.begin("atoll_updates_refused_total", "counter", "Updates refused, by the wire's reason.");
  for (const auto& [reason, times] : instruments.refused) page.sample(times, {{"reason", reason}});
  page.begin("atoll_denied_total", "counter", "Peers that were not let in, by cause.");
  for (size_t i = 0; i < kDenials; ++i)
    page.sample(context.admission.denied[i], {{"cause", to_string(static_cast<Denial>(i))}});
  page.gauge("atoll_quarantined_clients", "Clients in quarantine.",
             static_cast<double>(context.quarantine.entries().size()));
  page.gauge("atoll_sessions", "Connections, joined or not.",
             static_cast<double>(context.door.sessions()));
  page.counter("atoll_sessions_total", "Connections since the start.", context.door.arrived());
  page.gauge("atoll_connected_clients", "Clients that have joined and are connected.",
             static_cast<double>(context.registry.connected()));
}

void add_cohort(Page& page, const Context& context) {
  if (context.round == nullptr) return;
  const auto count = context.round->trainers(context.config.progress);
  page.begin("atoll_cohort_clients", "gauge", "Trainers of the open round, by how they stand.");
  page.sample(uint64_t{count.open}, {{"state", "open"}});
  page.sample(uint64_t{count.done}, {{"state", "done"}});
  page.sample(uint64_t{count.stalled}, {{"state", "stalled"}});
  page.sample(uint64_t{count.failed}, {{"state", "failed"}});
}

void add_clients(Page& page, const Context& context, size_t most) {
  const auto& members = context.registry.members();
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        auto&& value) {
    page.begin(name, type, help);
    size_t left = most;
    for (const auto& [client, member] : members) {
      if (left-- == 0) break;
      const auto found = context.instruments.clients.find(client);
      static const ClientTotals nothing;
      const auto& did = found == context.instruments.clients.end() ? nothing : found->second;
      page.sample(value(member, did), {{"client", client}});
    }
  };
  each("atoll_client_connected", "gauge", "1 while the client is connected.",
       [](const Member& member, const ClientTotals&) {
         return uint64_t{member.session != nullptr};
       });
  each("atoll_client_updates_total", "counter", "Updates of the client that went into a model.",
       [](const Member&, const ClientTotals& did) { return did.updates; });
  each("atoll_client_update_norm", "gauge", "L2 norm of the client's last update.",
       [](const Member&, const ClientTotals& did) { return did.update_norm; });
  each("atoll_client_training_seconds", "gauge", "Training time of the client's last update.",
       [](const Member&, const ClientTotals& did) { return did.seconds; });
  page.gauge("atoll_clients_unlabelled", "Clients beyond [watch] client_labels.",
             static_cast<double>(members.size() - std::min(most, members.size())));
}

}  // namespace

std::string exposition(const Context& context, size_t client_labels) {
  Page page;
  add_run(page, context);
  add_traffic(page, context);
  add_cohort(page, context);
  add_clients(page, context, client_labels);
  return page.take();
}

}  // namespace atl::server
