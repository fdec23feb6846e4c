#include "experiments/predict/predict_verb.h"

#include <iostream>
#include <memory>

#include "experiments/predict/answers.h"

namespace atl::workbench {
namespace {

struct Options {
  std::string model, data;
  std::vector<std::string> inputs;
  bool csv = false, json = false;
};

Status run(const Options& options) {
  ATOLL_ASSIGN(const auto model, open_trained(options.model));
  if (const auto warning = warning_of(model); !warning.empty())
    std::cerr << "warning: " << warning << "\n";
  ATOLL_ASSIGN(const auto preparation, read_preparation(options.data));
  ATOLL_ASSIGN(auto questions, read_questions(preparation, options.inputs));
  std::vector<Answer> answers;
  for (auto& question : questions) {
    ATOLL_ASSIGN(auto predictions, predict(model, preparation.script, question.examples));
    answers.push_back({std::move(question), std::move(predictions)});
  }
  if (options.json)
    print_json(model.path, answers, std::cout);
  else if (options.csv)
    print_csv(answers, std::cout);
  else
    print_text(answers, std::cout);
  return {};
}

}  // namespace

void add_predict_verb(CLI::App& app, Verbs& verbs) {
  auto o = std::make_shared<Options>();
  auto* verb =
      app.add_subcommand("predict", "what a trained model says of rows, images or a test set");
  verb->add_option("model", o->model, "what `atoll-server export` made, or a run's checkpoint")
      ->required();
  verb->add_option("inputs", o->inputs, "CSV files or images; absent: the test part of the data");
  verb->add_option("--data", o->data,
                   "how examples were prepared: a client.toml, a run file, or a known set")
      ->required();
  auto* csv = verb->add_flag("--csv", o->csv, "CSV, with every class's probability");
  verb->add_flag("--json", o->json, "one line of JSON")->excludes(csv);
  verbs.push_back({verb, [o] { return run(*o); }});
}

}  // namespace atl::workbench
