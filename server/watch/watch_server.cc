#include "server/watch/watch_server.h"

#include <httplib.h>

#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <charconv>
#include <fstream>
#include <thread>

#include "common/core/log.h"
#include "common/net/tls_transport.h"
#include "server/metrics/status.h"
#include "server/watch/board.h"
#include "server/watch/exposition.h"
#include "server/watch/gate.h"
#include "server/watch/page.h"

namespace atl::server {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kMostEvents = 1 << 20;  // bytes of metrics.jsonl in one answer

bool is_loopback(const std::string& host) {
  asio::error_code error;
  const auto address = asio::ip::make_address(host, error);
  return error ? host == "localhost" : address.is_loopback();
}

WatchRequest as_asked(const httplib::Request& request) {
  WatchRequest asked;
  asked.host = request.get_header_value("Host");
  asked.origin = request.get_header_value("Origin");
  asked.fetch_site = request.get_header_value("Sec-Fetch-Site");
  asked.fetch_mode = request.get_header_value("Sec-Fetch-Mode");
  asked.authorization = request.get_header_value("Authorization");
  asked.cookie = request.get_header_value("Cookie");
  if (request.has_param("token")) asked.token = request.get_param_value("token");
  return asked;
}

void say(httplib::Response& response, int status, const std::string& text) {
  response.status = status;
  response.set_content(text + "\n", "text/plain; charset=utf-8");
}

// Lines of the file from this byte on, as one JSON text.
Result<std::string> events_from(const std::string& path, uint64_t from) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = file ? static_cast<uint64_t>(file.tellg()) : 0;
  const auto wrong = [&] {
    return Error(ErrorCode::kUsage, std::to_string(from) + " is not where a line begins");
  };
  if (from > size) return wrong();
  // The byte before tells whether a line begins here.
  const uint64_t before = from > 0 ? 1 : 0;
  std::string bytes(std::min<uint64_t>(size - from, kMostEvents) + before, '\0');
  file.seekg(static_cast<std::streamoff>(from - before));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  if (before == 1 && (bytes.empty() || bytes.front() != '\n')) return wrong();
  bytes.erase(0, before);
  std::string events;
  size_t at = 0;
  for (size_t end; (end = bytes.find('\n', at)) != std::string::npos; at = end + 1)
    events.append(events.empty() ? "" : ",").append(bytes, at, end - at);
  return "{\"next\":" + std::to_string(from + at) + ",\"events\":[" + events + "]}\n";
}

std::optional<uint64_t> number_of(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

struct WatchServer::Impl {
  explicit Impl(Gate g) : gate(std::move(g)) {}

  Gate gate;
  std::unique_ptr<httplib::Server> http;
  std::vector<std::shared_ptr<Board>> boards;
  std::thread thread;
  std::string url, events, config;

  void add_routes(const WatchConfig& options, Context& context);
  void add_board(const char* path, const char* type, Context& context,
                 std::function<std::string()> make);
  void listen_to(Context& context);
};

void WatchServer::Impl::add_board(const char* path, const char* type, Context& context,
                                  std::function<std::string()> make) {
  boards.push_back(std::make_shared<Board>(context.executor, std::move(make)));
  http->Get(path, [board = boards.back(), type](const httplib::Request&, httplib::Response& out) {
    const auto text = board->get();
    if (text == nullptr) return say(out, 503, "the round loop does not answer");
    out.set_content(*text, type);
  });
}

void WatchServer::Impl::add_routes(const WatchConfig& options, Context& context) {
  constexpr const char* kJson = "application/json";
  add_board("/healthz", kJson, context,
            [&context] { return std::string("{\"state\":\"") + context.state() + "\"}\n"; });
  add_board("/metrics", "text/plain; version=0.0.4; charset=utf-8", context,
            [&context, most = options.client_labels] { return exposition(context, most); });
  add_board("/api/v1/status", kJson, context, [&context] { return status_json(context); });
  add_board("/api/v1/clients", kJson, context, [&context] { return clients_json(context); });
  add_board("/api/v1/cohort", kJson, context, [&context] { return cohort_json(context); });
  http->Get("/api/v1/events", [this](const httplib::Request& request, httplib::Response& out) {
    const auto from = number_of(request.has_param("from") ? request.get_param_value("from") : "0");
    if (!from) return say(out, 400, "from: a number of bytes");
    auto text = events_from(events, *from);
    if (!text) return say(out, 400, text.error().message());
    out.set_content(*text, "application/json");
  });
  http->Get("/api/v1/config", [this](const httplib::Request&, httplib::Response& out) {
    out.set_content(config, "application/toml");
  });
  for (const auto& file : page_files()) {
    http->Get(std::string(file.path), [this, &file](const httplib::Request& request,
                                                    httplib::Response& out) {
      if (request.has_param("token")) {  // out of the address line, and of what is sent on
        out.set_header("Set-Cookie", gate.cookie() + "; HttpOnly; SameSite=Strict; Path=/" +
                                         (gate.needs_token() ? "; Secure" : ""));
        return out.set_redirect("/", 303);
      }
      out.set_content(file.content.data(), file.content.size(), std::string(file.type).c_str());
    });
  }
}

// Before any route: who asks, and what every answer says to the browser.
void WatchServer::Impl::listen_to(Context& context) {
  http->set_pre_routing_handler([this, &context](const httplib::Request& request,
                                                 httplib::Response& out) {
    out.set_header("Cache-Control", "no-store");
    out.set_header("Content-Security-Policy",
                   "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                   "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
                   "form-action 'none'");
    out.set_header("X-Content-Type-Options", "nosniff");
    out.set_header("Referrer-Policy", "no-referrer");
    const auto refusal = gate.examine(as_asked(request));
    if (!refusal) return httplib::Server::HandlerResponse::Unhandled;
    if (refusal->bad_token) {
      asio::post(context.executor, [&context, text = refusal->text,
                                    address = request.remote_addr + ":" +
                                              std::to_string(request.remote_port)] {
        const Denied denied{Denial::kBadToken, "", address, "", "the status page: " + text};
        deny(context, denied);
      });
    }
    if (refusal->status == 401) out.set_header("WWW-Authenticate", "Bearer");
    say(out, refusal->status, refusal->text);
    return httplib::Server::HandlerResponse::Handled;
  });
  http->set_error_handler([](const httplib::Request&, httplib::Response& out) {
    if (out.body.empty()) say(out, out.status, "there is nothing here");
  });
  http->set_exception_handler([](const httplib::Request&, httplib::Response& out,
                                 std::exception_ptr) { say(out, 500, "this went wrong"); });
}

WatchServer::WatchServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WatchServer::~WatchServer() {
  impl_->http->stop();
  for (auto& board : impl_->boards) board->close();
  if (impl_->thread.joinable()) impl_->thread.join();
}

const std::string& WatchServer::url() const { return impl_->url; }

Result<std::unique_ptr<WatchServer>> WatchServer::start(const WatchConfig& config,
                                                        const WatchFiles& files, Context& context) {
  ATOLL_ASSIGN(const auto target, net::parse_address(config.address));
  const bool open = is_loopback(target.host);
  Gate gate;  // of loopback
  if (!open) {
    ATOLL_ASSIGN(gate, Gate::open(files.token));
  }
  auto impl = std::make_unique<Impl>(std::move(gate));
  if (open)
    impl->http = std::make_unique<httplib::Server>();
  else
    impl->http = std::make_unique<httplib::SSLServer>(files.certificate.c_str(), files.key.c_str());
  auto& http = *impl->http;
  if (!http.is_valid()) {
    return Error(ErrorCode::kIdentity, "cannot serve the status page with the certificate " +
                                           files.certificate + " and its key");
  }
  http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  // A thread belongs to a connection while it lives: it lives for one request.
  http.set_keep_alive_max_count(1);
  http.set_read_timeout(std::chrono::seconds(5));
  http.set_write_timeout(std::chrono::seconds(5));
  http.set_payload_max_length(4096);
  // The library's own choice would let two servers share one port.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  impl->events = context.store->folder() + "/metrics.jsonl";
  impl->config = to_toml(context.config);
  impl->listen_to(context);
  impl->add_routes(config, context);

  int port = std::stoi(target.port);
  errno = 0;
  if (port == 0)
    port = http.bind_to_any_port(target.host);
  else if (!http.bind_to_port(target.host, port))
    port = -1;
  if (port <= 0) {
    const bool taken = errno == EADDRINUSE;
    return Error(taken ? ErrorCode::kAddressInUse : ErrorCode::kNetwork,
                 "cannot serve the status page on " + config.address +
                     (taken ? ": the port is taken" : ": no such address here"))
        .hint("choose another [watch] address");
  }
  const bool v6 = target.host.find(':') != std::string::npos;
  impl->url = std::string(open ? "http://" : "https://") +
              (v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(port) + "/";
  impl->thread = std::thread([&http] { http.listen_after_bind(); });
  // stop() of one that does not run yet would do nothing.
  while (!http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return std::unique_ptr<WatchServer>(new WatchServer(std::move(impl)));
}

}  // namespace atl::server
