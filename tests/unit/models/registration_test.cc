#include "models/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/registry.h"

namespace atl::models {
namespace {

using testing::Contains;
using testing::HasSubstr;

// What a program outside does, at the same place: before main().
ATOLL_REGISTER_MODEL("mlp.again", make_mlp);
ATOLL_REGISTER_NORM(.name = "gn_again", .argument = "G", .make = make_group_norm);

TEST(Registration, AModelIsMadeByItsName) {
  EXPECT_TRUE(registrations().ok());
  EXPECT_THAT(model_names(), Contains("mlp.again"));
  const auto model = make_model({.name = "mlp.again", .input = {1, 8, 8}, .classes = 3});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ((*model)->forward(torch::zeros({2, 1, 8, 8})).sizes(), (std::vector<int64_t>{2, 3}));
}

TEST(Registration, ANormFillsSlotsAndTakesItsArgument) {
  EXPECT_THAT(norm_names(), Contains("gn_again:G"));
  const auto spec = parse_norm("gn_again:4+ws,epsilon=0.01");
  ASSERT_TRUE(spec.ok()) << spec.error().message();
  EXPECT_TRUE(spec->shifts());
  const auto mine = make_norm(*spec, {8, 2, 4, 4});
  const auto known = make_norm(*parse_norm("gn:4,epsilon=0.01"), {8, 2, 4, 4});
  const auto x = torch::randn({3, 8, 4, 4});
  for (const auto& layer : {*mine, *known}) layer->parameters()[0].data().fill_(2);
  EXPECT_TRUE(torch::equal((*mine)->forward(x), (*known)->forward(x)));
  EXPECT_THAT(parse_norm("gn_again").error().message(), HasSubstr("needs a number"));
}

TEST(Registration, NamesAreTakenOnce) {
  for (const char* name : {"lenet", "mlp.again"}) {
    const auto refused = register_model(name, make_mlp);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);
    EXPECT_THAT(refused.error().message(), HasSubstr(std::string(name) + " already"));
  }
  for (const char* name : {"bn", "none", "ws", "fn", "gn_again"}) {
    const auto refused = register_norm({.name = name, .make = make_group_norm});
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_THAT(refused.error().message(), HasSubstr(std::string(name) + " already"));
  }
  EXPECT_EQ(std::ranges::count(model_names(), "mlp.again"), 1);
}

TEST(Registration, NamesFitWhereTheyAreWritten) {
  for (const char* name : {"", "my model", "a/b"})
    EXPECT_THAT(register_model(name, make_mlp).error().message(), HasSubstr("the model name"));
  for (const char* name : {"", "a+b", "a:2", "a,b", "a b"}) {
    EXPECT_THAT(register_norm({.name = name, .make = make_group_norm}).error().message(),
                HasSubstr("the norm name"));
  }
}

}  // namespace
}  // namespace atl::models
