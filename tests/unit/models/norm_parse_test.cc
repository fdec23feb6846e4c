#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/norm/norm.h"

namespace atl::models {
namespace {

using testing::HasSubstr;

TEST(NormParse, EveryNameStandsForItself) {
  for (const auto& name : norm_names()) {
    const bool groups = name.ends_with(":G");
    const auto head = name.substr(0, name.find(':'));
    const auto spec = parse_norm(groups ? head + ":8" : name);
    ASSERT_TRUE(spec.ok()) << name;
    const bool addition = name == "ws" || name.starts_with("fn");
    EXPECT_EQ(spec->kind, addition ? "none" : head);
    EXPECT_EQ(spec->weight_std, name == "ws");
    EXPECT_EQ(spec->shifts(), !addition && name != "none") << name;
  }
  // One is registration_test.cc's.
  EXPECT_THAT(norm_names(), testing::ElementsAre("none", "bn", "bn_fixed", "bn_nostat", "brn", "ln",
                                                 "ln_e", "gn:G", "in", "rms", "hbn", "fbn",
                                                 "gn_again:G", "ws", "fn", "fn:mv"));
}

TEST(NormParse, AdditionsAndOptions) {
  const auto gn = parse_norm("gn:8+ws");
  ASSERT_TRUE(gn.ok());
  EXPECT_EQ(gn->kind, "gn");
  EXPECT_EQ(gn->groups, 8);
  EXPECT_TRUE(gn->weight_std);
  EXPECT_EQ(parse_norm("ln+fn")->feature_norm, FeatureNorm::kLength);
  EXPECT_EQ(parse_norm("ln+fn")->kind, "ln");
  EXPECT_EQ(parse_norm("fn:mv")->feature_norm, FeatureNorm::kMoments);
  EXPECT_EQ(parse_norm("fn:mv+ws+bn")->kind, "bn");
  const auto bn = parse_norm("bn,affine=0,momentum=0.05,epsilon=1e-3");
  ASSERT_TRUE(bn.ok());
  EXPECT_FALSE(bn->affine);
  EXPECT_FALSE(bn->shifts()) << "nothing replaces the bias in front";
  EXPECT_EQ(bn->momentum, 0.05);
  EXPECT_EQ(bn->epsilon, 1e-3);
  EXPECT_EQ(parse_norm("bn_fixed,fix_after=30")->fix_after, 30u);
  EXPECT_EQ(parse_norm("fn,epsilon=1e-8")->epsilon, 1e-8);
}

TEST(NormParse, RefusesWhatItDoesNotMean) {
  struct Refusal {
    const char* text;
    const char* says;
  };
  for (const auto& [text, says] : std::vector<Refusal>{
           {"", "is unknown; there are none, bn"},
           {"BN", "is unknown"},
           {"gn", "number of groups"},
           {"gn:", "number of groups"},
           {"gn:0", "number of groups"},
           {"gn:-2", "number of groups"},
           {"gn:2x", "number of groups"},
           {"gn:99999999999999999999", "number of groups"},
           {"gn:2:2", "number of groups"},
           {"bn:3", "takes nothing"},
           {"ln:", "takes nothing"},
           {"ws:2", "unknown"},
           {"fn:l2", "unknown"},
           {"bn+ln", "two norms"},
           {"none+bn", "two norms"},
           {"ws+bn+ws", "ws twice"},
           {"fn+fn:mv", "fn twice"},
           {"bn+", "has the part \"\", which is unknown"},
           {"bn+fc", "has the part \"fc\", which is unknown"},
           {"bn,", "the option \"\""},
           {"bn,affine", "affine=0 or affine=1"},
           {"bn,affine=2", "affine=0 or affine=1"},
           {"ln,momentum=0.1", "\"momentum\", which ln does not take"},
           {"none,affine=0", "which none does not take"},
           {"bn,fix_after=3", "which bn does not take"},
           {"bn,momentum=0", "above 0 and at most 1"},
           {"bn,momentum=1.5", "above 0 and at most 1"},
           {"bn,epsilon=nan", "above 0 and at most 1"},
           {"bn,momentum=0.1x", "above 0 and at most 1"},
       }) {
    const auto spec = parse_norm(text);
    ASSERT_FALSE(spec.ok()) << text;
    EXPECT_EQ(spec.error().code(), ErrorCode::kConfig) << text;
    EXPECT_THAT(spec.error().message(), HasSubstr(says)) << text;
  }
}

}  // namespace
}  // namespace atl::models
