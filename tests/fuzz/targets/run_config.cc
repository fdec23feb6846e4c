// Run files: one that is read without a mistake is written as TOML that reads back as the same
// text; and the tables of a client's data spec live through anything.
#include "server/run_config.h"

#include "client/data/data_spec.h"
#include "tests/fuzz/target.h"

namespace atl::fuzz {
namespace {

// The configuration as TOML; nothing when it has a mistake, or is no TOML.
std::optional<std::string> read(std::string_view text) {
  auto document = config::Document::parse(text, "/runs/run.toml");
  if (!document) {
    ATOLL_CHECK(document.error().code() == ErrorCode::kConfig, "the file's fault");
    return std::nullopt;
  }
  const auto run = server::read_run_config(document->root());
  const auto finished = document->finish();
  if (!finished) {
    ATOLL_CHECK(finished.error().code() == ErrorCode::kConfig, "the file's fault");
    return std::nullopt;
  }
  return server::to_toml(run);
}

void run(ByteView input) {
  const auto text = as_text(input);
  if (const auto first = read(text)) {
    const auto second = read(*first);
    ATOLL_CHECK(second.has_value(), "what was written is read");
    ATOLL_CHECK(*second == *first, "as the same configuration");
  }
  auto document = config::Document::parse(text, "/runs/run.toml");
  if (!document) return;
  (void)data::read_data_spec(document->root().table("data"));
  (void)document->finish();
}

std::vector<Bytes> seeds() {
  server::RunConfig custom;
  custom.name = "a.run_1-x";
  custom.model = {"cnn_fedavg", "gn:2", {3, 32, 32}, 10};
  custom.initial_model = "/models/ini\\tial \"1\"\n.safetensors";
  custom.train.learning_rate = 1e-300;
  custom.progress = std::chrono::milliseconds(1500);
  return {bytes_of_text(server::to_toml({})), bytes_of_text(server::to_toml(custom)),
          bytes_of_text("name = 3\nsede = 1\n[model]\ninput = [1, 2.5, 0x10, 1e3]\n"
                        "[train]\nlearning_rate = -inf\nepochs = 0\nbf16 = 'x'\n[[selection]]\n"),
          bytes_of_text("a.b.c = {x = [1979-05-27, \"\"\"\\u00e9\n\"\"\"], 'y z' = '''\n'''}\n"),
          bytes_of_text("[data]\nset = \"digits\"\nformat = \"csv\"\ntrain = [\"a\", '../b']\n"
                        "delimiter = \";\"\nstd = [0, 0.5]\nclasses = [\"x\"]\ntest_every = 1\n")};
}

const Registration registration({"run_config", run, seeds});

}  // namespace
}  // namespace atl::fuzz
