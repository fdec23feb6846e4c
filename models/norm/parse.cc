// "gn:8+ws,affine=0" -> NormSpec. norm.h has the grammar.
#include <charconv>

#include "models/norm/norm.h"

namespace atl::models {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NormSpec> parse() {
    spec_.text = std::string(text_);
    const auto comma = text_.find(',');
    std::string_view names = text_.substr(0, comma);
    for (bool more = true; more;) {
      const auto plus = names.find('+');
      ATOLL_TRY(part(names.substr(0, plus)));
      more = plus != std::string_view::npos;
      if (more) names.remove_prefix(plus + 1);
    }
    auto options = comma == std::string_view::npos ? "" : text_.substr(comma + 1);
    for (bool more = comma != std::string_view::npos; more;) {
      const auto end = options.find(',');
      ATOLL_TRY(option(options.substr(0, end)));
      more = end != std::string_view::npos;
      if (more) options.remove_prefix(end + 1);
    }
    return spec_;
  }

 private:
  Error bad(const std::string& why) const {
    return Error(ErrorCode::kConfig, "norm \"" + std::string(text_) + "\" " + why);
  }

  // One of the names that "+" joins.
  Status part(std::string_view name) {
    const auto colon = name.find(':');
    const auto head = name.substr(0, colon);
    const bool argued = colon != std::string_view::npos;
    if (head == "ws" && !argued) {
      if (spec_.weight_std) return bad("says ws twice");
      spec_.weight_std = true;
      return {};
    }
    if (name == "fn" || name == "fn:mv") {
      if (spec_.feature_norm != FeatureNorm::kNone) return bad("says fn twice");
      spec_.feature_norm = argued ? FeatureNorm::kMoments : FeatureNorm::kLength;
      return {};
    }
    const auto* kind = find_norm(head);
    if (kind == nullptr) return unknown(head);
    if (named_) return bad("names two norms for one slot");
    named_ = true;
    spec_.kind = std::string(kind->name);
    if (!kind->argument.empty()) return groups(argued ? name.substr(colon + 1) : "");
    if (argued) return bad("has something after the name " + spec_.kind + ", which takes nothing");
    return {};
  }

  Status groups(std::string_view number) {
    const auto* end = number.data() + number.size();
    const auto [stop, status] = std::from_chars(number.data(), end, spec_.groups);
    if (status == std::errc() && stop == end && spec_.groups >= 1) return {};
    return bad("needs a number of groups above 0 after a colon, such as gn:2");
  }

  Status unknown(std::string_view name) const {
    std::string known;
    for (const auto& one : norm_names()) known += (known.empty() ? "" : ", ") + one;
    const auto whole = name == text_ ? "" : "has the part \"" + std::string(name) + "\", which ";
    return bad(whole + "is unknown; there are " + known);
  }

  // "momentum=0.05"
  Status option(std::string_view option) {
    const auto equals = option.find('=');
    const auto key = option.substr(0, equals);
    const auto value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
    const auto& kind = *find_norm(spec_.kind);
    if (key == "affine" && kind.normalises) {
      if (value != "0" && value != "1") return bad("needs affine=0 or affine=1");
      spec_.affine = value == "1";
      return {};
    }
    const bool divides = kind.normalises || spec_.feature_norm != FeatureNorm::kNone;
    if (key == "epsilon" && divides) return number(key, value, 0, 1, spec_.epsilon);
    if (key == "momentum" && kind.runs) return number(key, value, 0, 1, spec_.momentum);
    if (key == "fix_after" && spec_.kind == "bn_fixed") {
      double round = 0;
      ATOLL_TRY(number(key, value, 0, 1e6, round));
      spec_.fix_after = static_cast<uint32_t>(round);
      return {};
    }
    return bad("has the option \"" + std::string(key) + "\", which " + spec_.kind +
               " does not take; there are affine, epsilon, momentum and fix_after");
  }

  // In (above, most].
  Status number(std::string_view key, std::string_view value, double above, double most,
                double& out) const {
    const auto* end = value.data() + value.size();
    const auto [stop, status] = std::from_chars(value.data(), end, out);
    if (status == std::errc() && stop == end && out > above && out <= most) return {};
    char bounds[64];
    std::snprintf(bounds, sizeof(bounds), " above %g and at most %g", above, most);
    return bad("needs a number after " + std::string(key) + "=," + bounds);
  }

  std::string_view text_;
  NormSpec spec_;
  bool named_ = false;  // a slot's filling has been said
};

}  // namespace

Result<NormSpec> parse_norm(std::string_view text) { return Parser(text).parse(); }

}  // namespace atl::models
