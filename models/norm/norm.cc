#include "models/norm/norm.h"

#include <array>

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

}  // namespace

const NormKind* find_norm(std::string_view name) {
  for (const auto& kind : kNorms)
    if (kind.name == name) return &kind;
  return nullptr;
}

bool NormSpec::shifts() const {
  const auto* entry = find_norm(kind);
  return entry != nullptr && entry->normalises && affine;
}

std::vector<std::string> norm_names() {
  std::vector<std::string> names;
  for (const auto& kind : kNorms) {
    names.emplace_back(kind.name);
    if (!kind.argument.empty()) names.back().append(":").append(kind.argument);
  }
  names.insert(names.end(), {"ws", "fn", "fn:mv"});
  return names;
}

Result<NormPtr> make_norm(const NormSpec& spec, const NormSite& site) {
  const auto* kind = find_norm(spec.kind);
  ATOLL_CHECK(kind != nullptr, "a NormSpec comes from parse_norm()");
  return kind->make(spec, site);
}

}  // namespace atl::models
