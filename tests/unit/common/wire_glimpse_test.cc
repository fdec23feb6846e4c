// What a look at a frame tells is what decoding it would.
#include <gtest/gtest.h>

#include <random>

#include "common/core/rng.h"
#include "common/wire/glimpse.h"
#include "common/wire/message.h"
#include "tests/support/tensors.h"

namespace atl::wire {
namespace {

TEST(Glimpse, NamesEveryMessage) {
  const Manifest manifest =
      Manifest::make({testing::spec("w", DType::kF32, {4, 4}, Role::kLinearWeight)}).value();
  const std::vector<Message> all = {Hello{"a", 1, 2, "s"},
                                    Welcome{},
                                    Join{manifest},
                                    Joined{},
                                    NextTask{},
                                    Task{},
                                    Fetch{},
                                    Ping{},
                                    Pong{},
                                    Offer{},
                                    Grant{},
                                    Outcome{},
                                    Refused{},
                                    Bye{},
                                    Enrol{},
                                    Enrolled{},
                                    Renew{}};
  ASSERT_EQ(all.size(), std::variant_size_v<Message>);
  for (const auto& message : all)
    EXPECT_EQ(name_of_message(glimpse(encode(message)).message), name_of(message));
}

TEST(Glimpse, TellsRoundAndValue) {
  Task task;
  task.kind = TaskKind::kWork;
  task.round = 300;
  task.settings.optimizer = "sgd";
  auto seen = glimpse(encode(task));
  EXPECT_EQ(seen.round, 300u);
  EXPECT_EQ(seen.value, 2u);
  seen = glimpse(encode(Fetch{7, 3, uint64_t{1} << 40}));
  EXPECT_EQ(seen.round, 7u);
  EXPECT_EQ(seen.value, uint64_t{1} << 40);
  seen = glimpse(encode(Ping{4, 1000, 2000}));
  EXPECT_EQ(seen.round, 4u);
  EXPECT_EQ(seen.value, 1000u);
  EXPECT_EQ(glimpse(encode(Pong{true})).value, 1u);
  EXPECT_EQ(glimpse(encode(Offer{9, 4096, {}, {}})).value, 4096u);
  EXPECT_EQ(glimpse(encode(Grant{5, 64})).value, 64u);
  EXPECT_EQ(glimpse(encode(Outcome{false, Reason::kWrongHash, "no"})).value, 8u);
  EXPECT_EQ(glimpse(encode(Refused{Reason::kBusy, "no"})).value, 12u);
}

TEST(Glimpse, TakesAnyBytes) {
  Rng rng(std::random_device{}(), "glimpse");
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes(rng.next_u32() % 40);
    for (auto& b : bytes) b = static_cast<std::byte>(rng.next_u32());
    EXPECT_LE(glimpse(bytes).message, 17);
  }
  EXPECT_EQ(glimpse({}).message, 0);
  // Cut anywhere, a message is still told by what is left of it.
  const auto whole = encode(Fetch{7, 3, 4096});
  for (size_t size = 2; size < whole.size(); ++size)
    EXPECT_EQ(glimpse(ByteView(whole).first(size)).message, 7);
  EXPECT_EQ(name_of_message(200), "unknown");
}

}  // namespace
}  // namespace atl::wire
