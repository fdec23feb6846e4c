#include "models/norm/norm.h"

#include <array>
#include <charconv>

namespace atl::models {
namespace {

Result<NormPtr> make_none(const NormSpec&, const NormSite&) { return NormPtr(); }

constexpr std::array kNorms = {
    NormKind{"none", "", false, make_none},
    NormKind{"bn", "", true, make_batch_norm},
    NormKind{"ln", "", true, make_layer_norm},
    NormKind{"gn", "G", true, make_group_norm},
};

const NormKind* find(std::string_view name) {
  for (const auto& kind : kNorms)
    if (kind.name == name) return &kind;
  return nullptr;
}

Error bad_norm(std::string_view text, const std::string& why) {
  return Error(ErrorCode::kConfig, "norm \"" + std::string(text) + "\" " + why);
}

}  // namespace

bool NormSpec::shifts() const {
  const auto* entry = find(kind);
  return entry != nullptr && entry->shifts;
}

std::vector<std::string> norm_names() {
  std::vector<std::string> names;
  for (const auto& kind : kNorms) {
    names.emplace_back(kind.name);
    if (!kind.argument.empty()) names.back().append(":").append(kind.argument);
  }
  return names;
}

Result<NormSpec> parse_norm(std::string_view text) {
  const auto colon = text.find(':');
  const auto* kind = find(text.substr(0, colon));
  if (kind == nullptr) {
    std::string known;
    for (const auto& name : norm_names()) known += (known.empty() ? "" : ", ") + name;
    return bad_norm(text, "is unknown; there are " + known);
  }
  NormSpec spec{.kind = std::string(kind->name)};
  if (kind->argument.empty()) {
    if (colon != std::string_view::npos) return bad_norm(text, "takes nothing after its name");
    return spec;
  }
  const auto number = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto* end = number.data() + number.size();
  const auto [stop, status] = std::from_chars(number.data(), end, spec.groups);
  if (status != std::errc() || stop != end || spec.groups < 1)
    return bad_norm(text, "needs a number of groups above 0 after a colon, such as gn:2");
  return spec;
}

Result<NormPtr> make_norm(const NormSpec& spec, const NormSite& site) {
  const auto* kind = find(spec.kind);
  ATOLL_CHECK(kind != nullptr, "a NormSpec comes from parse_norm()");
  return kind->make(spec, site);
}

}  // namespace atl::models
