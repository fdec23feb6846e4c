// What a trained model is asked about: rows of a table, images, or the test part of the data.
#pragma once

#include <string>
#include <vector>

#include "client/data/data_spec.h"
#include "models/script/script_file.h"

namespace atl::workbench {

// How examples were prepared in training: [data] of a client.toml or a run file, and the network
// where that is a file of one's own. `from` ends in ".toml", or is a known set.
struct Preparation {
  data::DataSpec data;
  models::ScriptFile script;
};
Result<Preparation> read_preparation(const std::string& from);

struct Question {
  std::string input;               // the table; "test" for the test part
  std::vector<std::string> files;  // of images, one an example; else empty
  data::SharedDataset examples;
  bool labelled = true;
};

// One a table and one for all images of `inputs`; the test part when there is none. kConfig when a
// file is of another kind than the data are; kData on bad files.
Result<std::vector<Question>> read_questions(const Preparation& preparation,
                                             const std::vector<std::string>& inputs);

}  // namespace atl::workbench
