#include "common/config/config.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "common/config/number.h"
#include "common/config/toml.h"
#include "common/core/file.h"

namespace atl::config {

// A table of the file and what was asked of it. `toml` is null where the file has no such table.
struct Table::Node {
  const toml::table* toml = nullptr;
  std::string path;   // "train", "model.norm"; empty at the root
  bool open = false;  // keys that nobody asked for are somebody else's
  std::set<std::string> known;
  std::map<std::string, std::shared_ptr<Node>> children;
};

struct Document::Impl {
  std::string name;
  std::string folder;
  toml::table toml;
  std::shared_ptr<Table::Node> root;
  std::vector<std::pair<int, std::string>> mistakes;  // line, text
};

namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest(const std::string& key, const std::set<std::string>& known) {
  std::string best;
  size_t least = SIZE_MAX;
  for (const auto& candidate : known) {
    const size_t distance = edit_distance(key, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string full_key(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

std::string show(double value) {
  std::ostringstream out;
  // Limits such as 4294967295 are shown in full.
  if (value == std::floor(value) && std::fabs(value) < 1e15)
    out << std::fixed << std::setprecision(0);
  out << value;
  return out.str();
}

// toml++ gives no double for a whole number that has none of exactly its value.
double number_of(const toml::node& node) {
  return node.is_integer() ? static_cast<double>(**node.as_integer()) : **node.as_floating_point();
}

}  // namespace

void Table::fail(std::string_view key, const std::string& why) {
  int line = 0;
  if (node_->toml != nullptr) {
    const toml::node* node = node_->toml->get(key);
    line = static_cast<int>(node != nullptr ? node->source().begin.line
                                            : node_->toml->source().begin.line);
  }
  document_->impl_->mistakes.emplace_back(line, full_key(node_->path, key) + ": " + why);
}

bool Table::has(std::string_view key) const {
  return node_->toml != nullptr && node_->toml->contains(key);
}

// The node under a key, when it is there; marks the key as known.
#define ATOLL_FIND(key)                                                               \
  node_->known.insert(std::string(key));                                              \
  const toml::node* found = node_->toml == nullptr ? nullptr : node_->toml->get(key); \
  if (found == nullptr) return false

bool Table::read(std::string_view key, bool& out) {
  ATOLL_FIND(key);
  if (!found->is_boolean())
    return fail(key, "must be true or false, not " + kind_of(*found)), false;
  out = **found->as_boolean();
  return true;
}

bool Table::read(std::string_view key, int64_t& out, Range range) {
  ATOLL_FIND(key);
  if (!found->is_integer())
    return fail(key, "must be a whole number, not " + kind_of(*found)), false;
  const int64_t value = **found->as_integer();
  const auto real = static_cast<double>(value);
  if (real < range.min)
    return fail(key, "must be at least " + show(range.min) + ", not " + std::to_string(value)),
           false;
  if (real > range.max)
    return fail(key, "must be at most " + show(range.max) + ", not " + std::to_string(value)),
           false;
  out = value;
  return true;
}

bool Table::read(std::string_view key, uint64_t& out, Range range) {
  int64_t value = 0;
  range.min = std::max(range.min, 0.0);
  if (!read(key, value, range)) return false;
  out = static_cast<uint64_t>(value);
  return true;
}

bool Table::read(std::string_view key, uint32_t& out, Range range) {
  uint64_t value = 0;
  range.max = std::min(range.max, 4294967295.0);
  if (!read(key, value, range)) return false;
  out = static_cast<uint32_t>(value);
  return true;
}

bool Table::read(std::string_view key, double& out, Range range) {
  ATOLL_FIND(key);
  if (!found->is_number()) return fail(key, "must be a number, not " + kind_of(*found)), false;
  const double value = number_of(*found);
  if (!std::isfinite(value)) return fail(key, "must be finite"), false;
  if (value < range.min)
    return fail(key, "must be at least " + show(range.min) + ", not " + show(value)), false;
  if (value > range.max)
    return fail(key, "must be at most " + show(range.max) + ", not " + show(value)), false;
  out = value;
  return true;
}

bool Table::read(std::string_view key, std::string& out) {
  ATOLL_FIND(key);
  if (!found->is_string())
    return fail(key, "must be text in quotes, not " + kind_of(*found)), false;
  out = **found->as_string();
  return true;
}

bool Table::read(std::string_view key, std::vector<std::string>& out) {
  ATOLL_FIND(key);
  const auto* list = found->as_array();
  if (list == nullptr) return fail(key, "must be a list of texts, not " + kind_of(*found)), false;
  std::vector<std::string> values;
  for (const auto& item : *list) {
    if (!item.is_string()) return fail(key, "must be a list of texts"), false;
    values.push_back(**item.as_string());
  }
  out = std::move(values);
  return true;
}

bool Table::read(std::string_view key, std::vector<double>& out) {
  ATOLL_FIND(key);
  const auto* list = found->as_array();
  if (list == nullptr) return fail(key, "must be a list of numbers, not " + kind_of(*found)), false;
  std::vector<double> values;
  for (const auto& item : *list) {
    if (!item.is_number()) return fail(key, "must be a list of numbers"), false;
    values.push_back(number_of(item));
    if (!std::isfinite(values.back())) return fail(key, "must be finite"), false;
  }
  out = std::move(values);
  return true;
}

bool Table::read_choice(std::string_view key, std::string& out,
                        const std::vector<std::string>& choices) {
  std::string value;
  if (!read(key, value)) return false;
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    std::string list;
    for (const auto& choice : choices) list += (list.empty() ? "" : ", ") + choice;
    fail(key, "\"" + value + "\" is not known; did you mean \"" +
                  nearest(value, {choices.begin(), choices.end()}) + "\"? (known: " + list + ")");
    return false;
  }
  out = value;
  return true;
}

// Relative paths are meant from where the file is.
static std::string from_folder(const std::string& folder, const std::string& value) {
  const std::filesystem::path path(value);
  if (path.is_absolute() || value.empty()) return value;
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

bool Table::read_path(std::string_view key, std::string& out) {
  std::string value;
  if (!read(key, value)) return false;
  out = from_folder(document_->impl_->folder, value);
  return true;
}

bool Table::read_paths(std::string_view key, std::vector<std::string>& out) {
  ATOLL_FIND(key);
  std::vector<std::string> values;
  if (found->is_string())
    values.push_back(**found->as_string());
  else if (!read(key, values))
    return false;
  for (auto& value : values) value = from_folder(document_->impl_->folder, value);
  out = std::move(values);
  return true;
}

Table Table::table(std::string_view key) {
  node_->known.insert(std::string(key));
  auto& child = node_->children[std::string(key)];
  if (child == nullptr) {
    child = std::make_shared<Node>();
    child->path = full_key(node_->path, key);
    const toml::node* found = node_->toml == nullptr ? nullptr : node_->toml->get(key);
    if (found != nullptr && !found->is_table())
      fail(key, "must be a table, not " + kind_of(*found));
    if (found != nullptr) child->toml = found->as_table();
  }
  return Table(document_, child);
}

void Table::accept_other_keys() { node_->open = true; }

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::load(const std::string& path) {
  auto text = read_text(path, 16 << 20);
  if (!text) {
    return Error(ErrorCode::kConfig,
                 "cannot read the configuration " + path + ": " + text.error().message())
        .hint("check the path; `atoll-server init FOLDER` makes a server with one");
  }
  return parse(*text, path);
}

Result<Document> Document::parse(std::string_view text, const std::string& name) {
  auto parsed = toml::parse(text, name);
  if (!parsed) {
    const auto& error = parsed.error();
    return Error(ErrorCode::kConfig, name + ":" + std::to_string(error.source().begin.line) + ": " +
                                         std::string(error.description()));
  }
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  std::error_code ignored;
  impl->folder = std::filesystem::absolute(name, ignored).parent_path().string();
  impl->toml = std::move(parsed).table();
  impl->root = std::make_shared<Table::Node>();
  impl->root->toml = &impl->toml;
  return Document(std::move(impl));
}

namespace {

void write_value(std::ostream& out, const toml::node& node) {
  if (const auto* value = node.as_floating_point()) {
    out << number(value->get());
    return;
  }
  const auto* list = node.as_array();
  if (list == nullptr) {
    node.visit([&out](const auto& value) { out << value; });
    return;
  }
  out << "[";
  for (size_t i = 0; i < list->size(); ++i) {
    out << (i == 0 ? "" : ", ");
    write_value(out, *list->get(i));
  }
  out << "]";
}

void add_values(const toml::table& table, const std::string& path,
                std::vector<std::pair<std::string, std::string>>& out) {
  for (const auto& [key, node] : table) {
    const auto name = full_key(path, key.str());
    if (const auto* inner = node.as_table()) {
      add_values(*inner, name, out);
      continue;
    }
    std::ostringstream text;
    write_value(text, node);
    out.emplace_back(name, text.str());
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Document::values() const {
  std::vector<std::pair<std::string, std::string>> out;
  add_values(impl_->toml, "", out);
  return out;
}

Table Document::root() { return Table(this, impl_->root); }
const std::string& Document::name() const { return impl_->name; }

Status Document::finish() {
  auto mistakes = impl_->mistakes;
  std::vector<const Table::Node*> pending{impl_->root.get()};
  while (!pending.empty()) {
    const auto* node = pending.back();
    pending.pop_back();
    for (const auto& [key, child] : node->children) pending.push_back(child.get());
    if (node->toml == nullptr || node->open) continue;
    for (const auto& [key, value] : *node->toml) {
      const std::string name(key.str());
      if (node->known.count(name) != 0) continue;
      std::string text = full_key(node->path, name) + ": unknown key";
      if (const auto guess = nearest(name, node->known); !guess.empty()) {
        text += "; did you mean \"" + full_key(node->path, guess) + "\"?";
      }
      mistakes.emplace_back(static_cast<int>(key.source().begin.line), text);
    }
  }
  if (mistakes.empty()) return {};
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [line, what] : mistakes) {
    if (!text.empty()) text += "\n  ";
    text += impl_->name + ":" + std::to_string(line) + ": " + what;
  }
  return Error(ErrorCode::kConfig, text);
}

}  // namespace atl::config
