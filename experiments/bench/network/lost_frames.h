// Every control message lost once. A client enrols, renews, is refused once and trains two rounds
// with a server in this process, over mutual TLS on loopback; then the same again for each control
// message that passed, without that one. The kinds come from wire::Message itself, so that one
// which never passes is told.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/transport.h"
#include "common/wire/message.h"

namespace atl::bench {

// The one that is lost: the `number`th, counted from 1, of the kind with this index in
// wire::Message.
struct LostFrame {
  size_t kind = 0, number = 1;
  std::string name() const;  // "offer 2"
};

// Passes everything but one control message, in either direction: the sender believes that it is
// gone, the receiver waits on.
class Losing {
 public:
  explicit Losing(std::optional<LostFrame> lost) : lost_(lost), counts_(kinds().size()) {}

  std::unique_ptr<net::Connector> wrap(std::unique_ptr<net::Connector> inner);
  // True when this control frame has to be lost. Everything that passes is counted.
  bool loses(ByteView payload);
  std::function<void(const wire::Message&)> on_message = [](const wire::Message&) {};

  // Of each kind, what has passed or was to.
  const std::vector<size_t>& counts() const { return counts_; }
  // The names of all kinds that there are, by index.
  static const std::vector<std::string>& kinds();

 private:
  std::optional<LostFrame> lost_;
  std::vector<size_t> counts_;
};

// The waits of both sides: the product's, or shorter ones for a test.
struct FramePace {
  net::Duration patience{20'000}, certificate{15'000}, poll{15'000}, heartbeat{10'000},
      bye_within{10'000};
  net::Duration training{12'000};  // in the first round; longer than a heartbeat
  net::Duration pause{500};        // the longest before the first new attempt
};

struct FrameRun {
  std::optional<LostFrame> lost;  // nothing: the undisturbed run
  std::string problem;            // empty: complete
  std::string model;              // its hash
  double seconds = 0;             // until the server has ended too
  std::vector<size_t> counts;     // of each kind
};
// Runs until it is complete, or for `limit`. An error when it cannot even begin. The folder is
// made.
Result<FrameRun> run_without(std::optional<LostFrame> lost, const std::string& folder,
                             const FramePace& pace, net::Duration limit);

// Seconds that the loss may cost: the wait of who asked and its pause; of a client that waits for a
// task the poll too. A server does not know a lost bye from a client that will come back.
double allowed_cost(const LostFrame& lost, const FramePace& pace);

}  // namespace atl::bench
