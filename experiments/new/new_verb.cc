#include "experiments/new/new_verb.h"

#include <cstdio>
#include <memory>

#include "experiments/new/project.h"

namespace atl::workbench {

void add_new_verb(CLI::App& app, Verbs& verbs) {
  auto spec = std::make_shared<ProjectSpec>();
  spec->data = "csv";
  auto* verb = app.add_subcommand("new", "make a project: a run, a client, data to begin with");
  verb->add_option("name", spec->folder, "the folder to make; its name is the run's")->required();
  verb->add_option("--data", spec->data, "csv, images, or a known set (`atoll data list`)")
      ->capture_default_str();
  verb->add_option("--model", spec->model, "a built-in model; default: mlp, or lenet for images");
  verbs.push_back(
      {verb, [spec]() -> Status {
         ATOLL_TRY(make_project(*spec));
         std::printf("made %s: run.toml, client.toml, container.toml, compose.yaml, README.md%s\n",
                     spec->folder.c_str(),
                     spec->data == "csv" || spec->data == "images" ? ", data/" : "");
         std::printf("next: atoll simulate %s/run.toml\n", spec->folder.c_str());
         return {};
       }});
}

}  // namespace atl::workbench
