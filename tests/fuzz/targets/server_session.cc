// A server whose clients say what they like: it lives, its run does not end by their doing, and its
// model changes only by updates that it took.
//
// Input: two bytes of configuration, then steps: one byte says what, the next ones say it with
// which numbers. Steps run at once, or (the step's upper bit) after the ones behind them.
#include "tests/fuzz/golden.h"
#include "tests/fuzz/served.h"

namespace atl::fuzz {
namespace {

constexpr size_t kMostSteps = 64;
enum Step : uint8_t {
  kHello,
  kJoin,
  kNextTask,
  kFetch,
  kPing,
  kHonestOffer,    // of an update that is kept, for kHonestChunk
  kHonestChunk,    // the next bytes of it, under the last grant
  kOffer,          // any
  kChunk,          // any
  kOtherModel,     // a join with a manifest of the input's
  kRawControl,     // bytes
  kGoldenMessage,  // a golden message with a few bytes changed
  kReconnect,      // under the same name; the old session may still have frames under way
  kLeave,
  kSpeaker,  // who says what follows: "a", "b", or "a" on another connection
  kWait,     // time passes
  kSteps
};

class Play {
 public:
  Play(Choices choices, server::RunConfig config)
      : choices_(choices), served_(std::move(config)), flat_(served_manifest().total_bytes()) {
    for (auto& speaker : speakers_) speaker.peer = &served_.connect(speaker.name);
  }

  void run() {
    const bool had_model = served_.store().has_model();
    const auto digest = served_.store().model_digest();
    for (size_t i = 0; i < kMostSteps && !choices_.empty(); ++i) {
      const uint8_t what = choices_.byte();
      take(static_cast<Step>((what & 0x7f) % kSteps));
      if ((what & 0x80) == 0) served_.settle();
    }
    served_.settle();
    served_.step(std::chrono::milliseconds(1));
    ATOLL_CHECK(!served_.over() || served_.outcome().ok(), "no client ends the run");
    const uint64_t taken = served_.taken_at_most();
    ATOLL_CHECK(served_.store().round() <= taken, "no round without an update");
    if (had_model && taken == 0)
      ATOLL_CHECK(served_.store().model_digest() == digest, "no other model without an update");
    if (!had_model && taken == 0) ATOLL_CHECK(!served_.store().has_model(), "nor a first one");
    if (served_.store().has_model())
      ATOLL_CHECK(served_.store().model()->verify().ok(), "a checkpoint that is whole");
  }

 private:
  struct Speaker {
    std::string name;
    Peer* peer = nullptr;
    Bytes update;
    size_t sent = 0;
    wire::Grant grant;
  };
  Speaker& speaker() { return speakers_[now_]; }
  Peer& peer() { return *speaker().peer; }

  void say(const wire::Message& message) {
    if (std::holds_alternative<wire::Offer>(message)) peer().awaiting_outcome = true;
    served_.send(peer(), wire::FrameKind::kControl, wire::encode(message));
  }
  void say_raw(Bytes payload) {
    // It may be an offer.
    if (const auto message = wire::decode(payload);
        message && std::holds_alternative<wire::Offer>(*message))
      peer().awaiting_outcome = true;
    served_.send(peer(), wire::FrameKind::kControl, std::move(payload));
  }
  void say_chunk(uint64_t transfer, uint64_t offset, ByteView data) {
    const auto head = wire::encode(wire::ChunkHeader{transfer, offset});
    served_.send(peer(), wire::FrameKind::kChunk, joined({head, data}));
  }

  void take(Step step) {
    switch (step) {
      case kHello: {
        const uint8_t examples = choices_.byte();
        const bool wrong = examples == 0xff;
        return say(wire::Hello{wrong ? "c" : speaker().name, uint64_t{examples} & 15,
                               uint64_t{examples} >> 4, "fuzz"});
      }
      case kJoin:
        return say(wire::Join{served_manifest()});
      case kNextTask:
        return say(wire::NextTask{});
      case kFetch:
        return say(wire::Fetch{choices_.byte(), choices_.number(), 8 * choices_.number()});
      case kPing:
        return say(wire::Ping{choices_.byte(), choices_.number(), choices_.number()});
      case kHonestOffer:
        return offer_honestly();
      case kHonestChunk:
        return send_honestly();
      case kOffer: {
        wire::Offer offer{choices_.byte(), choices_.number(), {}, report()};
        offer.update_digest[0] = static_cast<std::byte>(choices_.byte());
        return say(offer);
      }
      case kChunk: {
        const uint64_t transfer = choices_.number(), offset = choices_.number();
        return say_chunk(transfer, offset, choices_.take(choices_.byte()));
      }
      case kOtherModel:
        return join_with_another();
      case kRawControl: {
        const auto raw = choices_.take(choices_.byte());
        return say_raw({raw.begin(), raw.end()});
      }
      case kGoldenMessage:
        return say_golden();
      case kReconnect:
        speaker().peer = &served_.connect(speaker().name);
        return;
      case kLeave:
        return served_.leave(peer());
      case kSpeaker:
        now_ = choices_.byte() % std::size(speakers_);
        return;
      default:
        return served_.step(std::chrono::milliseconds(choices_.byte() % 8));
    }
  }

  wire::TrainReport report() {
    wire::TrainReport report;
    report.examples = choices_.number() & ((uint64_t{1} << 40) - 1);
    report.steps = choices_.number();
    report.before = {report.examples, report.examples / 2, 0.5};
    return report;
  }
  // The update is the input's: small numbers, or whatever bytes it says.
  void offer_honestly() {
    auto& me = speaker();
    const uint8_t round = choices_.byte(), fill = choices_.byte();
    me.update.assign(flat_, static_cast<std::byte>(fill));
    const auto own = choices_.take(std::min<size_t>(fill % 32, flat_));
    std::copy(own.begin(), own.end(), me.update.begin());
    me.sent = 0;
    say(wire::Offer{round, me.update.size(), transfer_digest(me.update), report()});
  }
  void send_honestly() {
    auto& me = speaker();
    if (peer().grant) {
      me.grant = *std::exchange(peer().grant, std::nullopt);
      me.sent = std::min<uint64_t>(me.grant.offset, me.update.size());
    }
    const size_t size = std::min<size_t>(8 * size_t{choices_.byte()}, me.update.size() - me.sent);
    say_chunk(me.grant.transfer, me.sent, ByteView(me.update).subspan(me.sent, size));
    me.sent += size;
  }
  void join_with_another() {
    std::vector<TensorSpec> tensors;
    for (size_t count = choices_.byte() % 5; count > 0; --count) {
      TensorSpec tensor;
      tensor.name = std::string("bn.") + static_cast<char>('a' + count);
      tensor.dtype = dtype_from_wire(choices_.byte() % 8).value_or(DType::kF32);
      tensor.role = role_from_wire(choices_.byte() % 16).value_or(Role::kNormVar);
      for (size_t i = choices_.byte() % 4; i > 0; --i) tensor.shape.push_back(choices_.byte() % 6);
      tensors.push_back(std::move(tensor));
    }
    auto manifest = Manifest::make(std::move(tensors)).value();
    flat_ = manifest.total_bytes();
    say(wire::Join{std::move(manifest)});
  }
  void say_golden() {
    const auto& names = golden_messages();
    auto bytes = golden(names[choices_.byte() % names.size()]);
    for (size_t changes = choices_.byte() % 8; changes > 0 && !bytes.empty(); --changes) {
      const size_t place = choices_.byte() % bytes.size();
      bytes[place] = static_cast<std::byte>(choices_.byte());
    }
    say_raw(std::move(bytes));
  }

  Choices choices_;
  Served served_;
  size_t flat_;  // bytes of the model that was said last
  Speaker speakers_[3] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
  size_t now_ = 0;
};

std::string initial_model() {
  static const ScratchFolder folder;
  static const std::string path = [] {
    const auto manifest = served_manifest();
    ATOLL_CHECK(
        write_safetensors(folder.file("initial"), manifest, {}, Bytes(manifest.total_bytes())).ok(),
        "the first model");
    return folder.file("initial");
  }();
  return path;
}

void run(ByteView input) {
  Choices choices(input);
  const uint8_t how = choices.byte(), size = choices.byte();
  server::RunConfig config;
  config.rounds = 2;
  config.keep = 1;
  config.poll = std::chrono::milliseconds(1);
  config.progress = std::chrono::milliseconds(20);
  if ((how & 1) == 0) config.initial_model = initial_model();
  if ((how & 2) != 0) config.policy = "all";
  if ((how & 4) != 0) config.weights = "uniform";
  config.evaluate_every = (how >> 3) % 3;
  config.min_clients = 1 + size % 2;
  config.cohort = (size >> 1) % 3;
  config.over_selection = (size & 8) != 0 ? 1 : 0;
  config.quorum = (size & 16) != 0 ? 1 : 0;
  Play(choices, config).run();
}

// Two bytes of configuration, and steps.
Bytes seed(std::initializer_list<int> how, const std::vector<std::vector<int>>& steps) {
  Bytes all;
  for (const int byte : how) all.push_back(static_cast<std::byte>(byte));
  for (const auto& step : steps)
    for (const int byte : step) all.push_back(static_cast<std::byte>(byte));
  return all;
}

constexpr int kAtOnce = 0x80;
const std::vector<int> kAll{kHonestChunk, 255}, kPause{kWait, 3}, kAsk{kNextTask};

std::vector<Bytes> seeds() {
  const std::vector<int> trainer{kHello, 5}, both{kHello, 0x21}, join{kJoin};
  const auto offer = [](int round, int value) {
    return std::vector<int>{kHonestOffer, round, 0, value, value};
  };
  return {
      // A client trains both rounds.
      seed({0, 0}, {trainer,
                    join,
                    kAsk,
                    {kFetch, 1, 7, 0},
                    {kPing, 1, 3, 9},
                    offer(1, 9),
                    {kHonestChunk, 4},
                    kAll,
                    kPause,
                    kAsk,
                    offer(2, 9),
                    kAll,
                    kPause,
                    kAsk}),
      // Two clients make the first model, train and evaluate.
      seed({9, 1}, {trainer,
                    join,
                    {kSpeaker, 1},
                    both,
                    join,
                    kAsk,
                    offer(0, 1),
                    kAll,
                    kPause,
                    kAsk,
                    {kFetch, 1, 1, 0},
                    offer(1, 4),
                    kAll,
                    {kSpeaker, 0},
                    kAsk,
                    offer(1, 5),
                    kAll,
                    kPause,
                    kAsk}),
      // An update with numbers that are none; offers that are resumed on a new connection.
      seed({0, 0}, {trainer,
                    join,
                    {kHonestOffer, 1, 255, 1, 1},
                    kAll,
                    {kReconnect},
                    trainer,
                    join,
                    offer(1, 2),
                    {kHonestChunk, 2},
                    {kReconnect},
                    trainer,
                    join,
                    offer(1, 2),
                    kAll}),
      // Frames of the old session are under way when the new one offers something else.
      seed({0, 0}, {trainer,
                    join,
                    offer(1, 2),
                    {kHonestChunk, 1},
                    {kSpeaker | kAtOnce, 2},
                    {kHello | kAtOnce, 5},
                    {kJoin | kAtOnce},
                    {kHonestOffer | kAtOnce, 1, 1, 7, 3, 3},
                    {kSpeaker | kAtOnce, 0},
                    {kHonestChunk | kAtOnce, 255},
                    kPause}),
      // First models that nobody can aggregate, or that are empty.
      seed({1, 0}, {trainer, {kOtherModel, 1, 1, 7, 1, 2}, kAsk, offer(0, 1), kAll, kPause}),
      seed({1, 0},
           {trainer, {kOtherModel, 0}, kAsk, offer(0, 1), kPause, kAsk, offer(1, 1), kPause}),
      // Nonsense of every kind.
      seed({0, 0}, {trainer,
                    join,
                    {kOffer, 1, 92, 1, 1, 4},
                    {kChunk, 1, 0, 3, 1, 2, 3},
                    {kRawControl, 3, 0xff, 0xff, 0xff}}),
      seed({0, 0},
           {{kGoldenMessage, 5, 1, 5, 'a'}, {kGoldenMessage, 6, 0}, {kGoldenMessage, 9, 1, 2, 1}}),
  };
}

const Registration registration({"server_session", run, seeds});

}  // namespace
}  // namespace atl::fuzz
