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
    R"(# @NAME@: who learns what from what. `atoll simulate` runs it in this process, `atoll-server run` for real clients; what
# is another's is passed over.
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

[listen]                  # of a server
address = "0.0.0.0:7070"

[watch]                   # its status page, over HTTPS with a token
address = "0.0.0.0:7071"
)";

constexpr const char* kClient =
    R"(# What every client's client.toml begins as: its name, its server, its own data. All keys: docs/config.md

name = "client-1"
server = "127.0.0.1:7070"

[data]                    # paths are relative to this file; nothing of them leaves the machine
@DATA@)";

// In a container the client's start puts in its name, its server and its share
// (docker/client-entrypoint.sh); the project's data lie in
// /project/data.
constexpr const char* kContainerClient =
    R"(# The clients of compose.yaml: each begins with this file, and its name, its server and its share filled in.

name = "@NAME@"
server = "@SERVER@"

[data]
@DATA@train_indices = "/shares/@NAME@.train.indices"
test_indices = "/shares/@NAME@.test.indices"
)";

constexpr const char* kCompose =
    R"(# The federation of run.toml in containers, on one machine. The images are built once, from Atoll's checkout:
#   docker compose -f docker/compose.yaml build
# then, here: docker compose up
#   CLIENTS  how many clients, among which the data are dealt out (3); run.toml's min_clients says how many are waited for
#   PORT, WATCH_PORT  where it is published (127.0.0.1:7070, :7071)      SERVER_IMAGE, CLIENT_IMAGE  images by other names

x-common: &common
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  tmpfs: ["/tmp"]

services:
  server:
    <<: *common
    image: ${SERVER_IMAGE:-atoll-server}
    environment:
      ATOLL_NAMES: server
      ATOLL_CLIENTS: "${CLIENTS:-3}"
    volumes:
      - state:/var/lib/atoll
      - tokens:/tokens
      - ./run.toml:/etc/atoll/server.toml:ro
    ports:
      - "${PORT:-127.0.0.1:7070}:7070"
      - "${WATCH_PORT:-127.0.0.1:7071}:7071"
    mem_limit: 256m           # about 2.2 times the model, and 0.2 MB a client
    restart: on-failure
    stop_grace_period: 60s

  shares:                     # who holds which examples; ends when that is written
    <<: *common
    image: ${CLIENT_IMAGE:-atoll-client}
    command: ["atoll", "data", "partition", "/project/run.toml", "--clients", "${CLIENTS:-3}", "--out", "/shares"]
    network_mode: none
@MOUNT@    volumes:
      - shares:/shares
      - ./run.toml:/project/run.toml:ro
@VOLUME@    mem_limit: 1g

  client:
    <<: *common
    image: ${CLIENT_IMAGE:-atoll-client}
    environment:
      ATOLL_SERVER: server:7070
      ATOLL_CLIENTS: "${CLIENTS:-3}"
@VARIABLE@    volumes:
      - clients:/var/lib/atoll
      - tokens:/tokens:ro
      - shares:/shares:ro
      - ./container.toml:/etc/atoll/client.toml:ro
@VOLUME@    depends_on:
      server: {condition: service_healthy}
      shares: {condition: service_completed_successfully}
    deploy: {replicas: "${CLIENTS:-3}"}
    mem_limit: 1g             # LibTorch and a small model; more for a larger one
    restart: on-failure

volumes:
  state:                      # the authority, the run, its checkpoints: back this one up
  tokens:                     # one-time tokens, read-only for clients
  shares:
  clients:                    # each client's key and certificate
)";

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
atoll-server token @FOLDER@/fed client-1                  # prints a token; one for each client
atoll-server run @FOLDER@/fed
```

```sh
atoll-client enroll client-1 --server SERVERS-HOST:7070 --token TOKEN
cp @FOLDER@/client.toml client-1/client.toml              # then put name, server and paths right
atoll-client run client-1
```

In containers, with the images that Atoll's docker/compose.yaml builds: `compose.yaml` is a server and three clients, among whom
the data are dealt out.@GET@

```sh
docker compose -f @FOLDER@/compose.yaml up
```

Clients must agree on the classes and their order, on columns, and on the size and colour of images. More:
docs/own_data.md, docs/torchscript.md, docs/own_model.md.
)";

constexpr const char* kSetInTheImage = "digits";  // docker/client.Dockerfile
constexpr const char* kOwnData = "./data:/project/data";
constexpr const char* kSets = "./sets:/data";

struct Kind {
  std::string data;   // the lines of [data]
  std::string mount;  // what a container needs of them, beside its image: FOLDER:ITS-PLACE
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
        kOwnData,
        "`data/train.csv` holds made-up rows: put your own table there, and name its label and "
        "its\n"
        "classes under `[data]` in `run.toml`, `client.toml` and `container.toml`. Columns of text "
        "become one "
        "feature a value.",
        {.input = {4}, .classes = 2}};
  }
  if (data == "images") {
    return Kind{
        "format = \"images\"\ntrain = \"data/images\"\nclasses = [\"circle\", \"cross\"]   # the "
        "sub-folders; the same list at every client\n"
        "size = [16, 16]           # height, width: images are resized to it\ncolor = \"grey\"     "
        "       # grey | rgb\n",
        kOwnData,
        "`data/images` holds made-up images, a sub-folder for each class: put your own there (PNG "
        "or\n"
        "JPEG), and name the classes, size and colour under `[data]` in `run.toml`, "
        "`client.toml` and `container.toml`.",
        {.input = {1, 16, 16}, .classes = 2}};
  }
  ATOLL_ASSIGN(const auto* set, data::find_set(data));
  return Kind{"set = \"" + data + "\"\n",
              data == kSetInTheImage ? "" : kSets,
              "It learns from the known set " + data + " (`atoll data list`).",
              {.input = set->shape, .classes = static_cast<uint32_t>(set->class_names.size())}};
}

using Values = std::vector<std::pair<std::string, std::string>>;

// The text with each mark replaced by its value; values are not looked through again for it.
std::string filled(std::string text, const Values& values) {
  for (const auto& [mark, value] : values) {
    for (auto at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + value.size()))
      text.replace(at, mark.size(), value);
  }
  return text;
}

Status write_all(const ProjectSpec& spec, const Kind& kind, const std::string& name,
                 const std::string& folder) {
  if (spec.data == "csv") {
    ATOLL_TRY(make_folders(folder + "/data"));
    ATOLL_TRY(write_atomic(folder + "/data/train.csv", example_table()));
  }
  if (spec.data == "images") ATOLL_TRY(write_example_images(folder + "/data/images"));
  const Values data{{"@DATA@", kind.data}};
  ATOLL_TRY(write_atomic(
      folder + "/run.toml",
      filled(kRun, {{"@DATA@", kind.data}, {"@NAME@", name}, {"@MODEL@", spec.model}})));
  ATOLL_TRY(write_atomic(folder + "/client.toml", filled(kClient, data)));
  // The project's paths, as they are in a container.
  ATOLL_TRY(write_atomic(folder + "/container.toml", filled(filled(kContainerClient, data),
                                                            {{"\"data/", "\"/project/data/"}})));
  Values places{{"@VOLUME@", ""}, {"@MOUNT@", ""}, {"@VARIABLE@", ""}};
  std::string get;
  if (!kind.mount.empty()) places[0].second = "      - " + kind.mount + ":ro\n";
  if (kind.mount == kSets) {
    places[1].second = "    environment: {ATOLL_DATA: /data}\n";
    places[2].second = "      ATOLL_DATA: /data\n";
    get = "\nBefore, once: `atoll data get " + spec.data + " --folder " + spec.folder + "/sets/" +
          spec.data + "`.";
  }
  ATOLL_TRY(write_atomic(folder + "/compose.yaml", filled(kCompose, places)));
  const auto readme =
      filled(kReadme,
             {{"@NAME@", name}, {"@WHAT@", kind.what}, {"@FOLDER@", spec.folder}, {"@GET@", get}});
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
