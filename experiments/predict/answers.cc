#include "experiments/predict/answers.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>

#include "experiments/report/fields.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;

std::string name_of(const data::Dataset& examples, uint32_t number) {
  return number < examples.class_names.size() ? examples.class_names[number]
                                              : std::to_string(number);
}

std::span<const float> probabilities_of(const Predictions& predictions, size_t example) {
  return std::span(predictions.probabilities)
      .subspan(example * predictions.classes, predictions.classes);
}

// The file that an example is in, and its number there, from 1.
std::pair<std::string, size_t> place_of(const Question& question, size_t example) {
  if (question.files.empty()) return {question.input, example + 1};
  return {question.files[example], 1};
}

std::string digits(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(value));  // reads back the same
  return text;
}

}  // namespace

Score score_of(const std::vector<Answer>& answers) {
  Score score;
  for (const auto& [question, predictions] : answers) {
    if (!question.labelled) continue;
    for (size_t i = 0; i < predictions.best.size(); ++i) {
      ++score.labelled;
      score.correct += predictions.best[i] == question.examples->labels[i];
    }
  }
  return score;
}

void print_text(const std::vector<Answer>& answers, std::ostream& out) {
  for (const auto& [question, predictions] : answers) {
    const auto& examples = *question.examples;
    for (size_t i = 0; i < predictions.best.size(); ++i) {
      const auto best = predictions.best[i];
      const auto [input, number] = place_of(question, i);
      out << printable(input) << " " << number << "  " << printable(name_of(examples, best)) << "  "
          << percent(double{probabilities_of(predictions, i)[best]});
      if (question.labelled && examples.labels[i] != best)
        out << "  (its label is " << printable(name_of(examples, examples.labels[i])) << ")";
      out << "\n";
    }
  }
  const auto score = score_of(answers);
  if (score.labelled > 0) {
    out << "accuracy " << fixed(score.accuracy(), 4) << ": " << with_commas(score.correct) << " of "
        << with_commas(score.labelled) << " labelled examples\n";
  }
}

void print_csv(const std::vector<Answer>& answers, std::ostream& out) {
  if (answers.empty()) return;
  out << "input,example,class,label";
  for (uint32_t c = 0; c < answers[0].predictions.classes; ++c)
    out << "," << csv_field("p:" + name_of(*answers[0].question.examples, c));
  out << "\n";
  for (const auto& [question, predictions] : answers) {
    const auto& examples = *question.examples;
    for (size_t i = 0; i < predictions.best.size(); ++i) {
      const auto [input, number] = place_of(question, i);
      out << csv_field(input) << "," << number << ","
          << csv_field(name_of(examples, predictions.best[i])) << ",";
      if (question.labelled) out << csv_field(name_of(examples, examples.labels[i]));
      for (const float p : probabilities_of(predictions, i)) out << "," << digits(p);
      out << "\n";
    }
  }
}

void print_json(const std::string& model, const std::vector<Answer>& answers, std::ostream& out) {
  Json list = Json::array(), classes = Json::array();
  for (const auto& [question, predictions] : answers) {
    const auto& examples = *question.examples;
    for (size_t i = 0; i < predictions.best.size(); ++i) {
      const auto odds = probabilities_of(predictions, i);
      const auto [input, number] = place_of(question, i);
      list.push_back({{"input", input},
                      {"example", number},
                      {"class", name_of(examples, predictions.best[i])},
                      {"label", question.labelled ? Json(name_of(examples, examples.labels[i]))
                                                  : Json(nullptr)},
                      {"probabilities", std::vector<float>(odds.begin(), odds.end())}});
    }
  }
  if (!answers.empty()) {
    for (uint32_t c = 0; c < answers[0].predictions.classes; ++c)
      classes.push_back(name_of(*answers[0].question.examples, c));
  }
  const auto score = score_of(answers);
  const Json object{{"model", model},
                    {"classes", classes},
                    {"accuracy", score.labelled > 0 ? Json(score.accuracy()) : Json(nullptr)},
                    {"predictions", list}};
  out << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace atl::workbench
