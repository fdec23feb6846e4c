#include "common/cli/describe.h"

#include <iostream>
#include <sstream>

#include "common/core/result.h"
#include "common/core/version.h"

namespace atl::cli {
namespace {

using Apps = std::vector<const CLI::App*>;

bool is_hidden(const CLI::App* app) { return app->get_group().empty(); }

Apps verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* verb) { return !is_hidden(verb); });
}
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

// A line of text: nothing in it is a request, and a hyphen is one that can be copied.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else {
      if (c == '-') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// "--minutes INT", "FOLDER".
std::string usage_of(const CLI::Option& option) {
  if (option.get_positional()) return upper(option.get_single_name());
  const auto value = option.get_items_expected_max() == 0 ? "" : " " + option.get_type_name();
  return option.get_name(false, true) + value;
}

void describe_options(std::ostream& out, const CLI::App& app) {
  for (const auto* option : options_of(app)) {
    const auto& text = option->get_description();
    if (option->get_positional() && text.empty()) continue;
    out << ".TP\n.B " << roff(usage_of(*option)) << "\n" << roff(text);
    if (!option->get_default_str().empty()) out << roff(" (" + option->get_default_str() + ")");
    out << "\n";
  }
}

void describe_verb(std::ostream& out, const CLI::App& verb, const std::string& path) {
  const auto name = path + verb.get_name();
  out << ".SS " << roff(name);
  for (const auto* option : options_of(verb))
    if (option->get_positional())
      out << (option->get_required() ? " " : " [") << roff(usage_of(*option))
          << (option->get_required() ? "" : "]");
  out << "\n" << roff(verb.get_description()) << "\n";
  describe_options(out, verb);
  if (!verb.get_footer().empty()) out << ".PP\n" << roff(verb.get_footer()) << "\n";
  for (const auto* inner : verbs_of(verb)) describe_verb(out, *inner, name + " ");
}

// One line of the table for each verb: what may follow it.
void complete_verb(std::ostream& out, const CLI::App& app, const std::string& path) {
  out << "    \"" << path << "\") words=\"";
  for (const auto* verb : verbs_of(app)) out << verb->get_name() << " ";
  for (const auto* option : options_of(app))
    for (const auto& name : option->get_lnames()) out << "--" << name << " ";
  out << "\" ;;\n";
  for (const auto* verb : verbs_of(app)) complete_verb(out, *verb, path + " " + verb->get_name());
}

void known_paths(std::ostream& out, const CLI::App& app, const std::string& path) {
  for (const auto* verb : verbs_of(app)) {
    const auto name = path + " " + verb->get_name();
    out << "      \"" << name << "\") path=\"" << name << "\" ;;\n";
    known_paths(out, *verb, name);
  }
}

}  // namespace

std::string manual_page(const CLI::App& app) {
  std::ostringstream out;
  const auto& name = app.get_name();
  out << ".TH " << upper(roff(name)) << " 1 \"\" \"Atoll " << version() << "\" \"Atoll\"\n"
      << ".SH NAME\n"
      << roff(name) << " \\- " << roff(app.get_description()) << "\n"
      << ".SH SYNOPSIS\n.B " << roff(name) << "\n[OPTIONS] VERB ...\n"
      << ".SH OPTIONS\n";
  describe_options(out, app);
  out << ".SH VERBS\n";
  for (const auto* verb : verbs_of(app)) describe_verb(out, *verb, "");
  out << ".SH EXIT STATUS\n.TP\n.B 0\ndone\n";
  for (int code = 1; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const auto text = to_string(static_cast<ErrorCode>(code));
    if (text != to_string(ErrorCode{}))  // a number without a name
      out << ".TP\n.B " << code << "\n" << roff(std::string(text)) << "\n";
  }
  return out.str();
}

std::string bash_completion(const CLI::App& app) {
  std::ostringstream out;
  const auto& name = app.get_name();
  std::string function = "_" + name;
  for (auto& c : function)
    if (c == '-') c = '_';
  out << "# Completion of " << name << " " << version() << " for bash.\n"
      << function << "() {\n"
      << "  local path=\"\" words=\"\" word\n"
      << "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      << "    case \"$path $word\" in\n";
  known_paths(out, app, "");
  out << "    esac\n  done\n  case \"$path\" in\n";
  complete_verb(out, app, "");
  out << "  esac\n"
      << "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      << "}\ncomplete -o bashdefault -o default -F " << function << " " << name << "\n";
  return out.str();
}

DescribeVerb::DescribeVerb(CLI::App& app) : app_(app) {
  verb_ = app.add_subcommand("describe", "this program's manual page, or its completion");
  verb_->group("");
  verb_->add_option("what", what_, "man or bash")
      ->required()
      ->check(CLI::IsMember({"man", "bash"}));
}

bool DescribeVerb::print() const {
  if (!verb_->parsed()) return false;
  std::cout << (what_ == "man" ? manual_page(app_) : bash_completion(app_));
  return true;
}

}  // namespace atl::cli
