#include "experiments/data/data_verb.h"

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "client/data/catalogue.h"
#include "client/data/data_spec.h"
#include "client/data/open.h"
#include "experiments/data/get.h"
#include "experiments/data/partition.h"
#include "experiments/data/partition_report.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string name, folder, from, out;
  PartitionSpec partition;
  const CLI::App* command = nullptr;  // of partition: which options were given
  bool json = false;
};
using SharedOptions = std::shared_ptr<Options>;

void print(const Json& object) {
  std::cout << object.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

Status list(const Options& options) {
  Json sets = Json::array();
  char line[256];
  if (!options.json) std::cout << "name              train    test  at hand\n";
  for (const auto& set : data::catalogue()) {
    const auto place = find(set.name);
    if (options.json) {
      sets.push_back({{"name", set.name},
                      {"title", set.title},
                      {"train", set.train},
                      {"test", set.test},
                      {"split", set.split},
                      {"shape", set.shape},
                      {"classes", set.class_names},
                      {"licence", set.licence},
                      {"page", set.page},
                      {"downloadable", !set.sources.empty()},
                      {"folder", place ? Json(*place) : Json()}});
      continue;
    }
    const std::string where = place                 ? *place
                              : set.sources.empty() ? "no; not downloadable, see " + set.page
                                                    : "no";
    std::snprintf(line, sizeof(line), "%-15s %7llu %7llu  ", set.name.c_str(),
                  static_cast<unsigned long long>(set.train),
                  static_cast<unsigned long long>(set.test));
    std::cout << line << where << "\n                " << set.title << "; " << set.licence << "\n";
  }
  if (options.json)
    print({{"sets", std::move(sets)}});
  else
    std::cout << "next: atoll data get NAME\n";
  return {};
}

Json files_json(const std::vector<data::VerifiedFile>& files) {
  Json out = Json::array();
  for (const auto& file : files)
    out.push_back({{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  return out;
}

Status get(const Options& options) {
  ATOLL_ASSIGN(const auto* set, data::find_set(options.name));
  ATOLL_ASSIGN(const auto got, get_dataset(options.name, {options.from, options.folder}));
  if (options.json) {
    print({{"set", set->name},
           {"folder", got.folder},
           {"downloaded", got.downloaded},
           {"licence", set->licence},
           {"files", files_json(got.files)}});
    return {};
  }
  std::cout << set->name << (got.downloaded ? " was downloaded to " : " is at hand in ")
            << got.folder << ", " << got.files.size() << " file(s), every digest checked\n"
            << "terms: " << set->licence << "; " << set->page << "\n"
            << "next: atoll data partition " << set->name << " --clients 10\n";
  return {};
}

Result<std::string> folder_of(const Options& options) {
  if (!options.folder.empty()) return options.folder;
  return find(options.name);
}

Status verify(const Options& options) {
  ATOLL_ASSIGN(const auto folder, folder_of(options));
  ATOLL_ASSIGN(const auto files, data::verify_dataset(options.name, folder));
  // Reading checks what digests cannot: that the catalogue's facts are those of the files.
  ATOLL_ASSIGN(const auto splits, data::open_dataset(options.name, folder));
  if (options.json) {
    print({{"set", options.name},
           {"folder", folder},
           {"good", true},
           {"train", splits.train->size()},
           {"test", splits.test->size()},
           {"files", files_json(files)}});
    return {};
  }
  for (const auto& file : files) std::cout << "good  " << file.sha256 << "  " << file.path << "\n";
  std::cout << options.name << ": " << splits.train->size() << " training and "
            << splits.test->size() << " test examples\n";
  return {};
}

// What is dealt out, and how.
struct Task {
  data::DataSpec data;
  PartitionSpec spec;
};

// A known set; or a file's [data] and [partition], before which options go.
Result<Task> task_of(const Options& options) {
  Task task{{}, options.partition};
  if (!options.name.ends_with(".toml")) {
    task.data.set = options.name;
  } else {
    ATOLL_ASSIGN(auto document, config::Document::load(options.name));
    auto root = document.root();
    uint64_t seed = 1;
    root.read("seed", seed);
    auto data = root.table("data");
    task.data = data::read_data_spec(data);
    task.spec = read_partition_spec(root.table("partition"), seed);
    for (auto* table : {&root, &data}) table->accept_other_keys();
    ATOLL_TRY(document.finish());
    const auto take = [&](const char* option, auto PartitionSpec::*member) {
      if (options.command->count(option) > 0) task.spec.*member = options.partition.*member;
    };
    take("--scheme", &PartitionSpec::scheme);
    take("--clients", &PartitionSpec::clients);
    take("--alpha", &PartitionSpec::alpha);
    take("--shards-per-client", &PartitionSpec::shards_per_client);
    take("--labels-per-client", &PartitionSpec::labels_per_client);
    take("--min-examples", &PartitionSpec::min_examples);
    take("--column", &PartitionSpec::column);
    take("--seed", &PartitionSpec::seed);
    take("--test", &PartitionSpec::test);
  }
  if (task.spec.scheme == "by-column" && options.command->count("--clients") == 0 &&
      options.command->count("--scheme") > 0)
    task.spec.clients = 0;
  if (!options.folder.empty()) task.data.folder = options.folder;
  return task;
}

Status partition(const Options& options) {
  ATOLL_ASSIGN(const auto task, task_of(options));
  const auto& spec = task.spec;
  ATOLL_ASSIGN(const auto splits, data::open_data(task.data));
  ATOLL_ASSIGN(const auto made, make_partition(spec, splits));
  if (!options.out.empty()) ATOLL_TRY(write_partition(options.out, spec, made, splits));
  if (options.json) {
    auto object = Json::parse(to_json(spec, made, splits));
    object["out"] = options.out.empty() ? Json() : Json(options.out);
    print(object);
    return {};
  }
  std::cout << to_table(report_partition(made, splits), splits.train->class_names) << "sha256 "
            << made.sha256 << "\n";
  if (!options.out.empty())
    std::cout << "wrote " << options.out << ": two index files for each client, partition.json\n";
  return {};
}

void add_partition_options(CLI::App& app, Options& options) {
  auto& spec = options.partition;
  app.add_option("--scheme", spec.scheme)
      ->capture_default_str()
      ->check(CLI::IsMember(scheme_names()));
  app.add_option("--clients", spec.clients, "how many (10; by-column: one per value)");
  app.add_option("--alpha", spec.alpha, "concentration of the Dirichlets")->capture_default_str();
  app.add_option("--shards-per-client", spec.shards_per_client)->capture_default_str();
  app.add_option("--labels-per-client", spec.labels_per_client)->capture_default_str();
  app.add_option("--min-examples", spec.min_examples, "of training, for every client")
      ->capture_default_str();
  app.add_option("--column", spec.column, "by-column: the column that names the groups");
  app.add_option("--seed", spec.seed)->capture_default_str();
  app.add_option("--test", spec.test, "split: the test part is dealt out too; whole: it is not")
      ->capture_default_str()
      ->check(CLI::IsMember({"split", "whole"}));
  app.add_option("--out", options.out, "folder for the index files and partition.json");
}

}  // namespace

void add_data_verb(CLI::App& app, Verbs& verbs) {
  auto* group = app.add_subcommand("data", "list, get, verify and partition data sets");
  group->require_subcommand(1);
  auto add = [&](const char* name, const char* what, Status (*run)(const Options&)) {
    auto options = std::make_shared<Options>();
    auto* command = group->add_subcommand(name, what);
    command->add_flag("--json", options->json, "one JSON object on the last line of output");
    verbs.push_back({command, [options, run] { return run(*options); }});
    return std::pair(command, options);
  };
  add("list", "the sets that Atoll knows, and where they are", list);

  auto [get_command, get_options] = add("get", "find or download a set, and check every file", get);
  get_command->add_option("name", get_options->name)->required();
  get_command->add_option("--from", get_options->from,
                          "a folder that holds its files (else ATOLL_DATA, then the cache)");
  get_command->add_option("--folder", get_options->folder,
                          "where to put it (else in place where it is at hand, or the cache)");

  auto [verify_command, verify_options] = add("verify", "check a set's files and counts", verify);
  verify_command->add_option("name", verify_options->name)->required();
  verify_command->add_option("--folder", verify_options->folder,
                             "where its files are (else ATOLL_DATA, then the cache)");

  auto [partition_command, partition_options] =
      add("partition", "cut a set into clients' shares", partition);
  partition_options->command = partition_command;
  partition_command
      ->add_option("name", partition_options->name,
                   "a known set; or a FILE.toml with [data] and, where options do not say, "
                   "[partition]")
      ->required();
  partition_command->add_option("--folder", partition_options->folder,
                                "where a set's files are (else ATOLL_DATA, then the cache)");
  add_partition_options(*partition_command, *partition_options);
}

}  // namespace atl::workbench
