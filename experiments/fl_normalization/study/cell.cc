#include "experiments/fl_normalization/study/cell.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/core/hash.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

std::string number(double value) { return workbench::compact(value, 6); }

// The number behind `prefix` or before `suffix`; false when there is none above 0.
template <typename T>
bool read_all(std::string_view text, T& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() && end == text.data() + text.size() && out > 0;
}

bool is_last(const Cell& cell, uint32_t round) { return round + 5 > cell.rounds; }

std::string for_a_file(std::string text) {
  for (char& c : text) {
    if (c == ':' || c == '+' || c == ',' || c == '=' || c == '/') c = '_';
  }
  return text;
}

}  // namespace

std::string Cell::setting() const { return shape() + "-r" + std::to_string(rounds); }

std::string Cell::shape() const {
  return data + "-" + model + "-" + partition + "-" + std::to_string(clients) + "x" +
         std::to_string(images) + "-k" + std::to_string(cohort) + "-e" + std::to_string(epochs) +
         "-b" + std::to_string(batch) + "-m" + number(momentum);
}

std::string Cell::method() const {
  const bool running = norm.rfind("bn", 0) == 0 && norm.rfind("bn_nostat", 0) != 0;
  return running || norm == "hbn" || norm == "brn" || policy == "fedbn" ? norm + "(" + policy + ")"
                                                                        : norm;
}

std::string Cell::key() const {
  return for_a_file(setting() + "-" + norm + "-" + policy + "-lr" + number(rate) + "-s" +
                    std::to_string(seed) + "-v" + std::to_string(evaluate_every) + "-q" +
                    std::to_string(measure_every));
}

bool measured(const Cell& cell, uint32_t round) {
  return cell.measure_every > 0 && round >= 1 &&
         (round % cell.measure_every == 0 || round == cell.rounds);
}

bool evaluated_on_all(const Cell& cell, uint32_t round) {
  return cell.measure_every > 0 && is_last(cell, round);
}

bool evaluated(const Cell& cell, uint32_t round) {
  return round % std::max(1U, cell.evaluate_every) == 0 || is_last(cell, round) ||
         measured(cell, round + 1);
}

Result<workbench::PartitionSpec> partition_of(const Cell& cell) {
  workbench::PartitionSpec spec;
  spec.clients = cell.clients;
  spec.seed = cell.seed;
  spec.test = "whole";  // the study evaluates by itself
  spec.min_examples = 2;
  const std::string_view name = cell.partition;
  if (name == "iid" || cell.shifts_features()) {
    spec.scheme = "iid";
    return spec;
  }
  if (name.size() > 3 && name.substr(0, 3) == "dir" && read_all(name.substr(3), spec.alpha)) {
    spec.scheme = "dirichlet-client";
    return spec;
  }
  if (name.size() > 3 && name.substr(name.size() - 3) == "cls" &&
      read_all(name.substr(0, name.size() - 3), spec.shards_per_client)) {
    spec.scheme = "distinct-shards";
    return spec;
  }
  return Error(ErrorCode::kConfig, "no partition of the study is named \"" + cell.partition + "\"")
      .hint("iid, 1cls, 2cls, 5cls (or any number), dir0.1, dir0.5 (or any concentration), fshift");
}

Result<server::RunConfig> run_config_of(const Cell& cell) {
  if (cell.is_lockstep() && cell.norm.rfind("bn", 0) != 0)
    return Error(ErrorCode::kConfig, "the policy fedtan pools the moments of batches, which " +
                                         cell.norm + " does not use")
        .hint("take the norm bn");
  server::RunConfig run;
  // The wire's names are short; the key is in the study's files.
  run.name = "cell-" + hex(sha256(as_bytes(cell.key()))).substr(0, 16);
  run.seed = cell.seed;
  run.rounds = cell.rounds;
  run.model.name = cell.model;
  run.model.norm = cell.norm;
  run.policy = cell.is_lockstep() ? "pooled" : cell.policy;
  run.cohort = cell.cohort;
  run.min_clients = cell.clients;
  run.train.learning_rate = cell.rate;
  run.train.momentum = cell.momentum;
  run.train.epochs = cell.epochs;
  run.train.batch_size = cell.batch;
  run.evaluate_every = 0;
  run.keep = 1;
  return run;
}

std::string to_json(const Cell& c) {
  const nlohmann::ordered_json json{{"data", c.data},
                                    {"model", c.model},
                                    {"norm", c.norm},
                                    {"policy", c.policy},
                                    {"partition", c.partition},
                                    {"clients", c.clients},
                                    {"images", c.images},
                                    {"cohort", c.cohort},
                                    {"epochs", c.epochs},
                                    {"batch", c.batch},
                                    {"rate", c.rate},
                                    {"momentum", c.momentum},
                                    {"rounds", c.rounds},
                                    {"seed", c.seed},
                                    {"evaluate_every", c.evaluate_every},
                                    {"measure_every", c.measure_every}};
  return json.dump();
}

Result<Cell> cell_from_json(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Cell c;
    json.at("data").get_to(c.data);
    json.at("model").get_to(c.model);
    json.at("norm").get_to(c.norm);
    json.at("policy").get_to(c.policy);
    json.at("partition").get_to(c.partition);
    json.at("clients").get_to(c.clients);
    json.at("images").get_to(c.images);
    json.at("cohort").get_to(c.cohort);
    json.at("epochs").get_to(c.epochs);
    json.at("batch").get_to(c.batch);
    json.at("rate").get_to(c.rate);
    json.at("momentum").get_to(c.momentum);
    json.at("rounds").get_to(c.rounds);
    json.at("seed").get_to(c.seed);
    json.at("evaluate_every").get_to(c.evaluate_every);
    json.at("measure_every").get_to(c.measure_every);
    return c;
  } catch (const nlohmann::json::exception& error) {
    return Error(ErrorCode::kData, std::string("not a cell of the study: ") + error.what());
  }
}

}  // namespace atl::study
