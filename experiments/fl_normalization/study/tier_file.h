// A study of one's own: a tier from a TOML file. The keys stand in README.md.
#pragma once

#include "experiments/fl_normalization/study/tier.h"

namespace atl::study {

// kConfig with every mistake, by line.
Result<Tier> load_tier(const std::string& path);
// "bn(pooled)" -> bn, pooled; "ln" -> ln, all. kConfig on anything else.
Result<Method> parse_method(const std::string& text);

}  // namespace atl::study
