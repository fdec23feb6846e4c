#include "experiments/predict/questions.h"

#include "client/script_config.h"

namespace atl::workbench {
namespace {

Result<Question> read_rows(const data::DataSpec& data, const std::string& input) {
  if (data.format != "csv") {
    return Error(ErrorCode::kConfig,
                 input + " is a table, and the model's data are of another kind")
        .hint("name a --data whose [data] has format = \"csv\", or ask about images");
  }
  auto options = data.csv;
  if (!data.test.empty()) options.test_every = 0;
  ATOLL_ASSIGN(auto read, data::read_csv_rows(data.train.front(), input, options));
  return Question{input, {}, std::move(read.rows), read.labelled};
}

// Prepared as the images of the training part.
Result<Question> read_images(const data::DataSpec& data, std::vector<std::string> files) {
  ATOLL_ASSIGN(const auto splits, data::open_data(data));
  const auto& train = *splits.train;
  if (train.shape.size() != 3) {
    return Error(ErrorCode::kConfig,
                 files.front() + " is an image, and the model's data are tables")
        .hint("name a --data whose [data] are images, or ask about a CSV file");
  }
  auto set = std::make_shared<data::Dataset>();
  set->name = files.front();
  set->shape = train.shape;
  set->classes = train.classes;
  set->class_names = train.class_names;
  set->mean = train.mean;
  set->std = train.std;
  for (const auto& file : files) {
    ATOLL_ASSIGN(const auto one, data::read_image_as(file, train.shape, data.images));
    set->bytes.insert(set->bytes.end(), one.bytes.begin(), one.bytes.end());
    set->labels.push_back(0);
  }
  return Question{"", std::move(files), std::move(set), false};
}

}  // namespace

Result<Preparation> read_preparation(const std::string& from) {
  Preparation preparation;
  if (!from.ends_with(".toml")) {
    preparation.data.set = from;
    return preparation;
  }
  ATOLL_ASSIGN(auto document, config::Document::load(from));
  auto root = document.root();
  root.accept_other_keys();
  auto data = root.table("data");
  preparation.data = data::read_data_spec(data);
  data.accept_other_keys();
  for (const char* name : {"model", "simulate"}) {
    auto table = root.table(name);
    table.accept_other_keys();
    if (auto script = client::read_script_file(table); !script.path.empty())
      preparation.script = std::move(script);
  }
  ATOLL_TRY(document.finish());
  return preparation;
}

Result<std::vector<Question>> read_questions(const Preparation& preparation,
                                             const std::vector<std::string>& inputs) {
  std::vector<Question> questions;
  if (inputs.empty()) {
    ATOLL_ASSIGN(const auto splits, data::open_data(preparation.data));
    if (splits.test->size() == 0)
      return Error(ErrorCode::kData, splits.train->name + " has no test part")
          .hint("name the files to ask about: atoll predict MODEL FILE...");
    questions.push_back({"test", {}, splits.test, true});
    return questions;
  }
  std::vector<std::string> images;
  for (const auto& input : inputs) {
    if (data::has_image_name(input)) {
      images.push_back(input);
      continue;
    }
    ATOLL_ASSIGN(auto question, read_rows(preparation.data, input));
    questions.push_back(std::move(question));
  }
  if (images.empty()) return questions;
  ATOLL_ASSIGN(auto question, read_images(preparation.data, std::move(images)));
  questions.push_back(std::move(question));
  return questions;
}

}  // namespace atl::workbench
