// A project: a folder with all that a federation of one's own begins with.
//
//   run.toml      the run, and how to simulate it: `atoll simulate` and `atoll-server run` read it
//   client.toml   what every client's configuration begins as
//   data/         made-up examples, to be exchanged for one's own; absent for a known set
//   README.md     what to do, command by command
#pragma once

#include <string>

#include "common/core/result.h"

namespace atl::workbench {

struct ProjectSpec {
  std::string folder;
  std::string data;   // csv | images | the name of a known set
  std::string model;  // a built-in model; empty: mlp, or lenet for images
};

// Checks that the model fits the data, then makes the folder, whole or not at all. kUsage when it
// is there already, or its name is no run's name; kConfig when the model does not fit.
Status make_project(ProjectSpec spec);

}  // namespace atl::workbench
