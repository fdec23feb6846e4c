// The bytes of version 1, both ways, against files that were not made by this code; and what a
// decoder refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "common/core/file.h"
#include "common/core/rng.h"
#include "common/wire/frame.h"
#include "common/wire/message.h"
#include "control.pb.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

using testing::spec;
using namespace wire;

Bytes golden(const std::string& name) {
  const auto text = read_text(std::string(ATOLL_GOLDEN) + "/wire-v1/" + name + ".hex");
  EXPECT_TRUE(text.ok()) << name;
  Bytes bytes;
  std::istringstream lines(text ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    for (size_t i = 0; i + 1 < line.size(); i += 2)
      bytes.push_back(static_cast<std::byte>(std::stoi(line.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

Digest counting(bool down) {
  Digest digest{};
  for (size_t i = 0; i < 32; ++i) digest[i] = static_cast<std::byte>(down ? 31 - i : i);
  return digest;
}

// One message of every kind; what each golden file says.
std::vector<Message> samples() {
  TrainSettings s{"adamw", 0.05, 0.5, true,          0.0005, 0.8, 0.99, 1e-6, 5,
                  100,     64,   1.5, "exponential", 0.998,  2,   3,    true};
  TrainReport report{1200, 38, 0.5, 1.25, 2.5, {300, 150, 200.5}, {}};
  auto manifest = Manifest::make({spec("fc.weight", DType::kF32, {10, 84}, Role::kHeadWeight),
                                  spec("bn.num_batches", DType::kI64, {}, Role::kNormCount)})
                      .value();
  return {Hello{"site-a", 1200, 300, "atoll 0.1.0"},
          Welcome{"run-1", 42, 10, ModelSpec{"lenet", "gn:2", {3, 32, 32}, 10}, 15000},
          Join{std::move(manifest)},
          Joined{},
          NextTask{},
          Task{TaskKind::kWork, 3, 10, 42, true, true, s, 4096, counting(false)},
          Fetch{3, 7, 1048576},
          Ping{3, 5, 20},
          Pong{true},
          Offer{3, 4096, counting(true), report},
          Grant{9, 8},
          Outcome{false, Reason::kNotFinite, "tensor fc.weight holds NaN"},
          Refused{Reason::kModelMismatch, "models differ"},
          Bye{"done"},
          Enrol{"atoll1.secret.print.site-a", "-----BEGIN CERTIFICATE REQUEST-----\n"},
          Enrolled{"-----BEGIN CERTIFICATE-----\n1", "-----BEGIN CERTIFICATE-----\n2"},
          Renew{"-----BEGIN CERTIFICATE REQUEST-----\n"}};
}

TEST(Wire, EveryMessageHasItsGoldenBytesBothWays) {
  const auto all = samples();
  ASSERT_EQ(all.size(), std::variant_size_v<Message>);
  for (const auto& message : all) {
    const std::string name(name_of(message));
    const auto bytes = golden(name);
    EXPECT_EQ(to_hex(encode(message)), to_hex(bytes)) << name;
    const auto back = decode(bytes);
    ASSERT_TRUE(back.ok()) << name << ": " << back.error().message();
    EXPECT_TRUE(*back == message) << name;
  }
}

// Fields that came later: absent in the golden bytes, where they mean "none".
TEST(Wire, RolesThatAreApartTravelByNumber) {
  Task task{.kind = TaskKind::kWork, .round = 3};
  task.settings.adaptive_clip = 0.02;
  task.settings.roles = {
      {Role::kNormGamma, Role::kHeadWeight}, {Role::kNormMean}, {Role::kNormVar}};
  const auto back = decode(encode(task));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_TRUE(std::get<Task>(*back) == task);
  EXPECT_TRUE(std::get<Task>(*decode(golden("task"))).settings.roles.empty());
}

TEST(Wire, TheIdentityOfARunIsHexadecimalOrAbsent) {
  Welcome welcome{"run-1", 42, 10, ModelSpec{"lenet", "ln", {}, 10}, 15000};
  EXPECT_TRUE(std::get<Welcome>(*decode(golden("welcome"))).identity.empty());
  welcome.identity = "00112233445566778899aabbccddeeff";
  EXPECT_TRUE(std::get<Welcome>(*decode(encode(welcome))) == welcome);
  for (const char* bad :
       {"0", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeeff0",
        "../../../../../../../../../../../"}) {
    welcome.identity = bad;
    EXPECT_EQ(decode(encode(welcome)).error().code(), ErrorCode::kProtocol) << bad;
  }
}

TEST(Wire, FramesHaveTheirGoldenBytesBothWays) {
  const auto control = golden("frame-control");
  const auto header = decode_header(control).value();
  EXPECT_EQ(header.kind, FrameKind::kControl);
  ASSERT_EQ(header.length, control.size() - kHeaderSize);
  EXPECT_TRUE(std::holds_alternative<Joined>(decode(ByteView(control).subspan(8)).value()));
  EXPECT_EQ(to_hex(wire::encode(FrameHeader{header.length, FrameKind::kControl})),
            to_hex(ByteView(control).first(8)));

  const auto chunk = golden("frame-chunk");
  EXPECT_EQ(decode_header(chunk).value().kind, FrameKind::kChunk);
  EXPECT_EQ(decode_header(chunk).value().length, 24u);
  ByteView data;
  const auto place = decode_chunk(ByteView(chunk).subspan(8), data).value();
  EXPECT_EQ(place.transfer, 9u);
  EXPECT_EQ(place.offset, 1048576u);
  EXPECT_EQ(to_hex(data), "deadbeef01020304");
  EXPECT_EQ(to_hex(wire::encode(FrameHeader{24, FrameKind::kChunk})) +
                to_hex(wire::encode(ChunkHeader{9, 1048576})),
            to_hex(ByteView(chunk).first(24)));
}

TEST(Wire, AChunkHoldsAtLeastItsHeader) {
  ByteView data;
  EXPECT_EQ(decode_chunk(Bytes(15), data).error().code(), ErrorCode::kProtocol);
  EXPECT_TRUE(decode_chunk(Bytes(16), data).ok());
  EXPECT_TRUE(data.empty());
}

std::string refused(const pb::Message& message) {
  const auto text = message.SerializeAsString();
  const auto decoded = decode(as_bytes(text));
  if (decoded) return "accepted";
  EXPECT_EQ(decoded.error().code(), ErrorCode::kProtocol);
  return decoded.error().message();
}
pb::Message parsed(const std::string& name) {
  const auto bytes = golden(name);
  pb::Message message;
  EXPECT_TRUE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return message;
}
#define EXPECT_REFUSED(name, change, part)                                    \
  do {                                                                        \
    auto m = parsed(name);                                                    \
    EXPECT_EQ(refused(m), "accepted");                                        \
    change;                                                                   \
    const auto said = refused(m);                                             \
    EXPECT_NE(said.find(part), std::string::npos) << #change << ": " << said; \
  } while (false)

TEST(Wire, BadFieldsAreRefusedByName) {
  const double nan = NAN, inf = std::numeric_limits<double>::infinity();
  EXPECT_REFUSED("hello", m.mutable_hello()->set_client("../etc"), "hello.client");
  EXPECT_REFUSED("hello", m.mutable_hello()->set_client(""), "hello.client");
  EXPECT_REFUSED("hello", m.mutable_hello()->set_software(std::string(4097, 'x')),
                 "hello.software is longer than 4096");
  EXPECT_REFUSED("welcome", m.mutable_welcome()->set_run(".hidden"), "welcome.run");
  auto model = [](pb::Message& m) { return m.mutable_welcome()->mutable_model(); };
  EXPECT_REFUSED("welcome", model(m)->set_name(std::string(65, 'x')), "name that is too long");
  EXPECT_REFUSED("welcome", model(m)->set_input(0, 0), "model.input is out of range");
  EXPECT_REFUSED("welcome", model(m)->set_input(0, -1), "model.input is out of range");
  EXPECT_REFUSED("welcome", for (int i = 0; i < 6; ++i) model(m)->add_input(1), "8 dimensions");
  EXPECT_REFUSED("welcome", model(m)->set_classes(1u << 25), "model.classes is out of range");
  EXPECT_REFUSED("join", m.mutable_join()->mutable_tensors(0)->set_dtype(99), "join.dtype");
  EXPECT_REFUSED("join", m.mutable_join()->mutable_tensors(0)->set_role(0), "join.role");
  EXPECT_REFUSED("join", m.mutable_join()->mutable_tensors(0)->set_name("fc.weight"),
                 "appears twice");
  EXPECT_REFUSED("join", m.mutable_join()->mutable_tensors(1)->set_shape(0, -5), "negative extent");
  EXPECT_REFUSED("task", m.mutable_task()->set_kind(4), "task.kind");
  EXPECT_REFUSED("task", m.mutable_task()->set_model_bytes((1ull << 44) + 1), "task.model_bytes");
  EXPECT_REFUSED("task", m.mutable_task()->set_model_digest("short"), "not 32 bytes");
  auto settings = [](pb::Message& m) { return m.mutable_task()->mutable_settings(); };
  EXPECT_REFUSED("task", settings(m)->set_learning_rate(nan), "settings is not finite");
  EXPECT_REFUSED("task", settings(m)->set_clip_norm(inf), "settings is not finite");
  EXPECT_REFUSED("task", settings(m)->set_schedule(std::string(65, 'x')), "too long");
  EXPECT_REFUSED("task", settings(m)->set_adaptive_clip(nan), "settings is not finite");
  EXPECT_REFUSED("task", settings(m)->add_local_roles(99), "local_roles has an unknown role: 99");
  EXPECT_REFUSED("task", (settings(m)->add_local_roles(6), settings(m)->add_fixed_roles(6)),
                 "fixed_roles has a role that was listed before: norm_mean");
  EXPECT_REFUSED("task", settings(m)->add_reset_roles(4), "a trained role: norm_gamma");
  EXPECT_REFUSED("offer", m.mutable_offer()->set_update_bytes(1ull << 45), "offer.update_bytes");
  EXPECT_REFUSED("offer", m.mutable_offer()->set_update_digest(""), "not 32 bytes");
  auto report = [](pb::Message& m) { return m.mutable_offer()->mutable_report(); };
  EXPECT_REFUSED("offer", report(m)->set_examples(1ull << 41), "report.examples");
  EXPECT_REFUSED("offer", report(m)->set_train_loss(nan), "report.train_loss is not a number");
  EXPECT_REFUSED("offer", report(m)->set_update_norm(nan), "report.update_norm");
  EXPECT_REFUSED("offer", report(m)->set_seconds(inf), "report.seconds");
  EXPECT_REFUSED("offer", report(m)->mutable_before()->set_correct(301), "report.before");
  EXPECT_REFUSED("offer", report(m)->mutable_after()->set_loss_sum(nan), "report.after");
  EXPECT_REFUSED("outcome", m.mutable_outcome()->set_reason(19), "unknown reason");
  EXPECT_REFUSED("outcome", m.mutable_outcome()->set_text(std::string(4097, 'x')), "outcome.text");
  EXPECT_REFUSED("renew", m.mutable_renew()->set_csr_pem(std::string(65537, 'x')), "renew.csr_pem");
  EXPECT_REFUSED("refused", m.mutable_refused()->set_reason(99), "unknown reason");
  EXPECT_REFUSED("bye", m.mutable_bye()->set_text(std::string(4097, 'x')), "bye.text");
  EXPECT_REFUSED("enrol", m.mutable_enrol()->set_csr_pem(std::string(65537, 'x')), "enrol.csr_pem");
  EXPECT_REFUSED("enrolled", m.mutable_enrolled()->set_authority_pem(std::string(65537, 'x')),
                 "enrolled.authority_pem");
  EXPECT_EQ(refused(pb::Message()), "malformed control message: no known body");
}

TEST(Wire, NoBytesMakeTheDecoderDoAnythingButRefuse) {
  Rng rng(17, "mutate");
  for (const auto& message : samples()) {
    const auto bytes = encode(message);
    for (int turn = 0; turn < 300; ++turn) {
      auto broken = bytes;
      const auto flips = 1 + rng.below(4);
      for (uint64_t i = 0; i < flips && !broken.empty(); ++i)
        broken[rng.below(broken.size())] = static_cast<std::byte>(rng.next_u32());
      broken.resize(broken.size() - (broken.empty() ? 0 : rng.below(broken.size())));
      auto decoded = decode(broken);
      // What is accepted can be said again.
      if (decoded) {
        EXPECT_TRUE(decode(encode(*decoded)).ok()) << name_of(message) << " turn " << turn;
      }
    }
  }
}

// Error texts may hold bytes of any encoding; what is sent must still be a message.
// Two bytes on the wire, a hundred in memory: they are counted before they are made.
TEST(Wire, AJoinIsBoundedBeforeItsTensorsAreMade) {
  const auto field = [](uint64_t tag, const Bytes& body) {
    Bytes out{static_cast<std::byte>(tag)};
    uint64_t size = body.size();
    for (; size >= 0x80; size >>= 7) out.push_back(static_cast<std::byte>(size | 0x80));
    out.push_back(static_cast<std::byte>(size));
    out.insert(out.end(), body.begin(), body.end());
    return out;
  };
  const auto empty_tensors = [&](size_t count) {
    Bytes body(2 * count);
    for (size_t i = 0; i < count; ++i) body[2 * i] = std::byte{0x0a};
    return field(0x1a, body);
  };
  const auto says = [](const Bytes& payload) {
    const auto decoded = decode(payload);
    return decoded ? std::string("taken") : decoded.error().message();
  };
  EXPECT_NE(says(empty_tensors(1'000'001)).find("too many tensors"), std::string::npos);
  EXPECT_NE(says(empty_tensors(1'000'000)).find("join.dtype is unknown"), std::string::npos);
  // Said in two halves, Protobuf would put them together.
  auto halves = empty_tensors(600'000);
  const auto second = halves;
  halves.insert(halves.end(), second.begin(), second.end());
  EXPECT_NE(says(halves).find("too many tensors"), std::string::npos);
  // An extent is one byte on the wire, and eight in memory.
  const auto wide = field(0x1a, field(0x0a, field(0x1a, Bytes(400, std::byte{1}))));
  EXPECT_NE(says(wide).find("description is too long"), std::string::npos);
  // Groups, whole and without end; a length that lies.
  for (const Bytes& odd : {Bytes{std::byte{0x1b}, std::byte{0x1c}}, Bytes(100, std::byte{0x1b}),
                           Bytes{std::byte{0x1a}, std::byte{0x05}, std::byte{0x0a}}})
    EXPECT_NE(says(odd).find("not a version 1 message"), std::string::npos);
  // The longest valid description.
  auto longest = Manifest::make(
      {spec(std::string(256, 'n'), DType::kF32,
            {0, 1ll << 62, 1ll << 62, 1ll << 62, 1ll << 62, 1ll << 62, 1ll << 62, 1ll << 62},
            Role::kLinearWeight)});
  ASSERT_TRUE(longest.ok());
  EXPECT_TRUE(decode(encode(Join{*longest})).ok());
}

TEST(Wire, TextsAreMadeFitToSend) {
  const std::pair<std::string, std::string> table[] = {
      {"caf\xe9", "caf?"},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82"},
      {"\xc0\x80", "??"},
      {"\xc0\x80\x80\x80", "????"},
      {"\xe0\x80\x80", "???"},
      {"\xed\xa0\x80", "???"},
      {"\xf4\x90\x80\x80", "????"},
      {"cut \xe2\x82", "cut ??"},
      {std::string(5000, 'x'), std::string(4096, 'x')},
      {std::string(4095, 'x') + "\xc3\xa9", std::string(4095, 'x')}};
  for (const auto& [in, out] : table) {
    const auto back = decode(encode(Refused{Reason::kServerError, in}));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(std::get<Refused>(*back).text, out);
    EXPECT_EQ(std::get<Bye>(decode(encode(Bye{in})).value()).text, out);
    EXPECT_EQ(std::get<Outcome>(decode(encode(Outcome{true, Reason::kNone, in})).value()).text,
              out);
  }
}

// A diverged model is told, not a reason to be cut off.
TEST(Wire, LossesThatAreNotNumbersTravelAsInfinity) {
  auto offer = std::get<Offer>(samples()[9]);
  offer.report.train_loss = offer.report.update_norm = offer.report.before.loss_sum = NAN;
  const auto back = decode(encode(offer));
  ASSERT_TRUE(back.ok()) << back.error().message();
  const auto& report = std::get<Offer>(*back).report;
  EXPECT_TRUE(std::isinf(report.train_loss) && std::isinf(report.update_norm));
  EXPECT_TRUE(std::isinf(report.before.loss_sum));
}

// The most memory this process held since it was last asked for, in bytes.
size_t peak_since_asked() {
  std::ifstream status("/proc/self/status");
  std::string word;
  size_t kilobytes = 0;
  while (status >> word && word != "VmHWM:") {
  }
  status >> kilobytes;
  std::ofstream("/proc/self/clear_refs") << 5;
  return kilobytes << 10;
}

// Two bytes on the wire made an object of 90.
TEST(Wire, TensorsThatAreMerelyClaimedCostNoMemory) {
  std::string join = "\x1a\x80\x80\x80\x10";  // 32 MiB follow: 16 million tensors without a field
  const size_t head = join.size();
  join.resize(head + (32u << 20));
  for (size_t i = head; i < join.size(); i += 2) join[i] = '\x0a';
  peak_since_asked();
  const size_t before = peak_since_asked();
  const auto decoded = decode(as_bytes(join));
  ASSERT_FALSE(decoded.ok());
  EXPECT_NE(decoded.error().message().find("too many tensors"), std::string::npos);
  EXPECT_LT(peak_since_asked(), before + (64u << 20));
  // At the limit all is parsed, and refused for what is in it.
  join = std::string("\x1a\x80\x89\x7a") + join.substr(head, 2 * Manifest::kMaxTensors);
  EXPECT_NE(decode(as_bytes(join)).error().message().find("dtype"), std::string::npos);
}

TEST(Wire, Names) {
  for (const char* good : {"a", "site-1", "A.b_c", "-", "0"}) EXPECT_TRUE(is_valid_name(good));
  EXPECT_TRUE(is_valid_name(std::string(64, 'a')));
  for (const char* bad : {"", ".", "..", ".a", "a b", "a/b", "a\\b", "\xc3\xa4", "a\n", "a:b"})
    EXPECT_FALSE(is_valid_name(bad)) << bad;
  EXPECT_FALSE(is_valid_name(std::string(65, 'a')));
  EXPECT_FALSE(is_valid_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace atl
