// Typed reading of TOML configuration. Every mistake is reported with file, line and key; an
// unknown key with the nearest valid one. A reader collects all mistakes, so a person sees them in
// one go:
//
//   ATOLL_ASSIGN(auto document, config::Document::load(path));
//   auto root = document.root();
//   root.read("seed", run.seed);                                  // absent keys keep the default
//   auto train = root.table("train");                             // absent tables are empty
//   train.read("learning_rate", run.learning_rate, {.min = 0});
//   train.read_choice("optimizer", run.optimizer, {"sgd", "adamw"});
//   ATOLL_TRY(document.finish());                                 // all mistakes, unknown keys
//   included
//
// toml++ stays inside config.cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/result.h"

namespace atl::config {

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

class Document;

// One table of a document. Cheap to copy; must not outlive the Document.
class Table {
 public:
  // Each returns true when the key is present and good. A key read by any of them is known, present
  // or not.
  bool read(std::string_view key, bool& out);
  bool read(std::string_view key, uint32_t& out, Range range = {});
  bool read(std::string_view key, uint64_t& out, Range range = {});
  bool read(std::string_view key, int64_t& out, Range range = {});
  bool read(std::string_view key, double& out, Range range = {});  // integers are taken too
  bool read(std::string_view key, std::string& out);
  bool read(std::string_view key, std::vector<std::string>& out);
  bool read(std::string_view key, std::vector<double>& out);
  bool read_choice(std::string_view key, std::string& out, const std::vector<std::string>& choices);
  // A path, made absolute against the folder of the file.
  bool read_path(std::string_view key, std::string& out);
  // One path or a list of them.
  bool read_paths(std::string_view key, std::vector<std::string>& out);

  bool has(std::string_view key) const;
  Table table(std::string_view key);
  // Keys of this table that nobody reads belong to another program: they are not mistakes.
  void accept_other_keys();
  // Notes a mistake at a key's line: "FILE:LINE: train.epochs: must be at least 1, not 0".
  void fail(std::string_view key, const std::string& why);

 private:
  friend class Document;
  struct Node;
  Table(Document* document, std::shared_ptr<Node> node)
      : document_(document), node_(std::move(node)) {}
  Document* document_;
  std::shared_ptr<Node> node_;
};

class Document {
 public:
  static Result<Document> load(const std::string& path);
  static Result<Document> parse(std::string_view text, const std::string& name);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Table root();
  // kConfig with every mistake, one a line, unknown keys included; success when there is none.
  Status finish();
  const std::string& name() const;
  // Every value with its dotted key ("train.epochs") as TOML writes it, by key. A list is one
  // value.
  std::vector<std::pair<std::string, std::string>> values() const;

 private:
  friend class Table;
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace atl::config
