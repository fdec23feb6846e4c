// Predictions as text: a table for people, CSV, or one line of JSON.
#pragma once

#include <ostream>

#include "experiments/predict/predictor.h"
#include "experiments/predict/questions.h"

namespace atl::workbench {

struct Answer {
  Question question;
  Predictions predictions;
};

// Examples whose label is known, and how many of them the model gives.
struct Score {
  uint64_t labelled = 0, correct = 0;
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(labelled); }
};
Score score_of(const std::vector<Answer>& answers);

// File, example in it (from 1), class, probability; a label where it is known and another one.
void print_text(const std::vector<Answer>& answers, std::ostream& out);
// The same with every class's probability in a column of its own.
void print_csv(const std::vector<Answer>& answers, std::ostream& out);
void print_json(const std::string& model, const std::vector<Answer>& answers, std::ostream& out);

}  // namespace atl::workbench
