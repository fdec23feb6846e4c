#include "models/norm/norm.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>

namespace atl::models {
namespace {

Result<NormPtr> make_none(const NormSpec&, const NormSite&) { return NormPtr(); }

constexpr std::array kNorms = {
    NormKind{"none", "", false, false, make_none},
    NormKind{"bn", "", true, true, make_batch_norm},
    NormKind{"bn_fixed", "", true, true, make_batch_norm},
    NormKind{"bn_nostat", "", true, false, make_batch_norm_without_statistics},
    NormKind{"brn", "", true, true, make_batch_renorm},
    NormKind{"ln", "", true, false, make_layer_norm},
    NormKind{"ln_e", "", true, false, make_layer_norm},
    NormKind{"gn", "G", true, false, make_group_norm},
    NormKind{"in", "", true, false, make_instance_norm},
    NormKind{"rms", "", true, false, make_rms_norm},
    NormKind{"hbn", "", true, false, make_hybrid_norm},
    NormKind{"fbn", "", true, true, make_federated_norm},
};

// A deque: find_norm() hands out what stays where it is.
std::deque<NormKind>& registered() {
  static std::deque<NormKind> norms;
  return norms;
}

// What stands in a slot's text without being a slot's filling.
constexpr std::array<std::string_view, 3> kBeside = {"ws", "fn", "fn:mv"};

bool is_taken(std::string_view name) {
  return find_norm(name) != nullptr || std::ranges::find(kBeside, name) != kBeside.end();
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_';
  });
}

}  // namespace

const NormKind* find_norm(std::string_view name) {
  for (const auto& kind : kNorms)
    if (kind.name == name) return &kind;
  for (const auto& kind : registered())
    if (kind.name == name) return &kind;
  return nullptr;
}

Status register_norm(const NormKind& kind) {
  const std::string name(kind.name);
  if (!is_name(name))
    return Error(ErrorCode::kConfig,
                 "the norm name \"" + name + "\" is not made of letters, digits and '_'");
  if (is_taken(name))
    return Error(ErrorCode::kConfig, "there is a norm " + name + " already")
        .hint("give it another name, and say that in [model] norm");
  ATOLL_CHECK(kind.make != nullptr, "a norm needs a builder");
  registered().push_back(kind);
  return {};
}

bool NormSpec::shifts() const {
  const auto* entry = find_norm(kind);
  return entry != nullptr && entry->normalises && affine;
}

std::vector<std::string> norm_names() {
  std::vector<std::string> names;
  auto add = [&names](const NormKind& kind) {
    names.emplace_back(kind.name);
    if (!kind.argument.empty()) names.back().append(":").append(kind.argument);
  };
  std::ranges::for_each(kNorms, add);
  std::ranges::for_each(registered(), add);
  names.insert(names.end(), kBeside.begin(), kBeside.end());
  return names;
}

Result<NormPtr> make_norm(const NormSpec& spec, const NormSite& site) {
  const auto* kind = find_norm(spec.kind);
  ATOLL_CHECK(kind != nullptr, "a NormSpec comes from parse_norm()");
  return kind->make(spec, site);
}

}  // namespace atl::models
