#include "experiments/new/project.h"

#include <filesystem>

#include "client/data/catalogue.h"
#include "common/core/file.h"
#include "common/core/folder.h"
#include "common/wire/message.h"
#include "experiments/new/example_data.h"
#include "models/registry.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRun =
    R"(# @NAME@: who learns what from what. `atoll simulate` runs it in this process, `atoll-server run` for real clients.
# All keys: docs/config.md

name = "@NAME@"
seed = 1
rounds = 20

[data]                    # clients of a simulation; real ones say it in their client.toml
@DATA@
[partition]               # how `atoll simulate` deals the data out
scheme = "iid"
clients = 3

[model]
name = "@MODEL@"
norm = "none"

[train]
optimizer = "sgd"
learning_rate = 0.05
momentum = 0.9
epochs = 1
batch_size = 16

[selection]
min_clients = 3           # no round begins before so many are there
)";

constexpr const char* kClient =
    R"(# What every client's client.toml begins as: its name, its server, its own data. All keys: docs/config.md

name = "client-1"
server = "127.0.0.1:7070"

[data]                    # paths are relative to this file; nothing of them leaves the machine
@DATA@)";

constexpr const char* kReadme =
    R"(# @NAME@

A federation of your own. @WHAT@

In one process, on this machine:

```sh
atoll simulate @FOLDER@/run.toml --out @FOLDER@/simulated
atoll-server export @FOLDER@/simulated --out @FOLDER@/model
atoll predict @FOLDER@/model --data @FOLDER@/run.toml
```

For real, the server first, then each client on its machine with its own data:

```sh
atoll-server init @FOLDER@/fed --name SERVERS-HOST && cp @FOLDER@/run.toml @FOLDER@/fed/server.toml
printf '\n[listen]\naddress = "0.0.0.0:7070"\n' >>@FOLDER@/fed/server.toml
atoll-server token @FOLDER@/fed client-1                  # prints a token; one for each client
atoll-server run @FOLDER@/fed
```

```sh
atoll-client enroll client-1 --server SERVERS-HOST:7070 --token TOKEN
cp @FOLDER@/client.toml client-1/client.toml              # then put name, server and paths right
atoll-client run client-1
```

Clients must agree on the classes and their order, on columns, and on the size and colour of images. More:
docs/own_data.md, docs/torchscript.md, docs/own_model.md.
)";

struct Kind {
  std::string data;  // the lines of [data]
  std::string what;
  wire::ModelSpec spec;
};

Result<Kind> kind_of(const std::string& data) {
  if (data == "csv") {
    return Kind{
        "format = \"csv\"\ntrain = \"data/train.csv\"\nlabel = \"sort\"          # the column to "
        "learn\n"
        "classes = [\"pear\", \"plum\"]   # its values; the same list at every client\n"
        "# drop = [\"id\"]          # columns to leave out\n",
        "`data/train.csv` holds made-up rows: put your own table there, and name its label and "
        "its\n"
        "classes under `[data]` in `run.toml` and `client.toml`. Columns of text become one "
        "feature a value.",
        {.input = {4}, .classes = 2}};
  }
  if (data == "images") {
    return Kind{
        "format = \"images\"\ntrain = \"data/images\"\nclasses = [\"circle\", \"cross\"]   # the "
        "sub-folders; the same list at every client\n"
        "size = [16, 16]           # height, width: images are resized to it\ncolor = \"grey\"     "
        "       # grey | rgb\n",
        "`data/images` holds made-up images, a sub-folder for each class: put your own there (PNG "
        "or\n"
        "JPEG), and name the classes, size and colour under `[data]` in `run.toml` and "
        "`client.toml`.",
        {.input = {1, 16, 16}, .classes = 2}};
  }
  ATOLL_ASSIGN(const auto* set, data::find_set(data));
  return Kind{"set = \"" + data + "\"\n",
              "It learns from the known set " + data + " (`atoll data list`).",
              {.input = set->shape, .classes = static_cast<uint32_t>(set->class_names.size())}};
}

std::string filled(std::string text, const std::string& mark, const std::string& value) {
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size()))
    text.replace(at, mark.size(), value);
  return text;
}

Status write_all(const ProjectSpec& spec, const Kind& kind, const std::string& name,
                 const std::string& folder) {
  if (spec.data == "csv") {
    ATOLL_TRY(make_folders(folder + "/data"));
    ATOLL_TRY(write_atomic(folder + "/data/train.csv", example_table()));
  }
  if (spec.data == "images") ATOLL_TRY(write_example_images(folder + "/data/images"));
  const auto with_data = [&kind](const char* text) { return filled(text, "@DATA@", kind.data); };
  const auto run = filled(filled(with_data(kRun), "@NAME@", name), "@MODEL@", spec.model);
  ATOLL_TRY(write_atomic(folder + "/run.toml", run));
  ATOLL_TRY(write_atomic(folder + "/client.toml", with_data(kClient)));
  const auto readme =
      filled(filled(filled(kReadme, "@NAME@", name), "@WHAT@", kind.what), "@FOLDER@", spec.folder);
  return write_atomic(folder + "/README.md", readme);
}

}  // namespace

Status make_project(ProjectSpec spec) {
  while (spec.folder.size() > 1 && spec.folder.back() == '/') spec.folder.pop_back();
  const auto name = fs::path(spec.folder).filename().string();
  if (!wire::is_valid_name(name))
    return Error(ErrorCode::kUsage,
                 "\"" + name + "\" must be 1 to 64 letters, digits, '.', '_' or '-'");
  if (exists(spec.folder)) {
    return Error(ErrorCode::kUsage, spec.folder + " is there already, and nothing was changed")
        .hint("atoll new ANOTHER-NAME");
  }
  ATOLL_ASSIGN(auto kind, kind_of(spec.data));
  if (spec.model.empty()) spec.model = spec.data == "images" ? "lenet" : "mlp";
  kind.spec.name = spec.model;
  ATOLL_TRY(models::make_model(kind.spec));

  return write_folder(spec.folder,
                      [&](const std::string& part) { return write_all(spec, kind, name, part); });
}

}  // namespace atl::workbench
