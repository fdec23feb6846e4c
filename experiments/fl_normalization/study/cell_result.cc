#include "experiments/fl_normalization/study/cell_result.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/core/file.h"

namespace atl::study {
namespace {

using nlohmann::json;

json to(const Table& table) {
  json rows = json::array();
  for (const auto& row : table.rows) {
    json fields = json::array();
    for (const auto& field : row) {
      if (const auto* text = std::get_if<std::string>(&field))
        fields.push_back(*text);
      else
        fields.push_back(std::get<double>(field));  // NaN is dumped as null
    }
    rows.push_back(std::move(fields));
  }
  return {{"columns", table.columns}, {"rows", std::move(rows)}};
}

double number(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Status from(const json& all, const char* name, Table& table) {
  const auto& one = all.at(name);
  if (one.at("columns").get<std::vector<std::string>>() != table.columns)
    return Error(ErrorCode::kData, std::string("the table ") + name + " has other columns");
  for (const auto& row : one.at("rows")) {
    if (row.size() != table.columns.size())
      return Error(ErrorCode::kData, std::string("a row of the table ") + name + " is cut");
    std::vector<Field> fields;
    for (const auto& value : row) {
      if (value.is_string())
        fields.emplace_back(value.get<std::string>());
      else
        fields.emplace_back(number(value));
    }
    table.add(std::move(fields));
  }
  return {};
}

}  // namespace

std::string to_json(const CellResult& r) {
  const json all{
      {"cell", json::parse(to_json(r.cell))},
      {"failure", r.failure},
      {"parameters", r.parameters},
      {"partition_sha256", r.partition_sha256},
      {"model_sha256", r.model_sha256},
      {"skew", r.skew},
      {"effective_classes", r.effective_classes},
      {"norm_slots", r.norm_slots},
      {"seconds", r.seconds},
      {"train_seconds", r.train_seconds},
      {"alarms", r.alarms},
      {"tables",
       {{"curve", to(r.curve)},
        {"ecs", to(r.ecs)},
        {"bn", to(r.bn)},
        {"contrib", to(r.contrib)},
        {"norms", to(r.norms)},
        {"rounds", to(r.rounds)}}},
  };
  return all.dump() + "\n";
}

Result<CellResult> result_from_json(std::string_view text) {
  try {
    const auto all = json::parse(text);
    CellResult r;
    ATOLL_ASSIGN(r.cell, cell_from_json(all.at("cell").dump()));
    all.at("failure").get_to(r.failure);
    all.at("parameters").get_to(r.parameters);
    all.at("partition_sha256").get_to(r.partition_sha256);
    all.at("model_sha256").get_to(r.model_sha256);
    r.skew = number(all.at("skew"));
    r.effective_classes = number(all.at("effective_classes"));
    all.at("norm_slots").get_to(r.norm_slots);
    r.seconds = number(all.at("seconds"));
    r.train_seconds = number(all.at("train_seconds"));
    all.at("alarms").get_to(r.alarms);
    const auto& tables = all.at("tables");
    ATOLL_TRY(from(tables, "curve", r.curve));
    ATOLL_TRY(from(tables, "ecs", r.ecs));
    ATOLL_TRY(from(tables, "bn", r.bn));
    ATOLL_TRY(from(tables, "contrib", r.contrib));
    ATOLL_TRY(from(tables, "norms", r.norms));
    ATOLL_TRY(from(tables, "rounds", r.rounds));
    return r;
  } catch (const json::exception& error) {
    return Error(ErrorCode::kData, std::string("not a cell's result: ") + error.what());
  }
}

std::string result_path(const std::string& folder, const Cell& cell) {
  return folder + "/cells/" + cell.key() + ".json";
}

Status write_result(const std::string& folder, const CellResult& result) {
  ATOLL_TRY(make_folders(folder + "/cells"));
  return write_atomic(result_path(folder, result.cell), to_json(result));
}

Result<CellResult> read_result(const std::string& folder, const Cell& cell) {
  const auto path = result_path(folder, cell);
  ATOLL_ASSIGN(const auto text, read_text(path, uint64_t{1} << 30));
  auto result = result_from_json(text);
  if (result && !(result->cell == cell))
    result = Error(ErrorCode::kData, "it is the result of another cell");
  if (!result) {
    return std::move(result)
        .error()
        .wrap("cannot take " + path)
        .hint("rm " + path + "   # the cell is then run again");
  }
  return result;
}

}  // namespace atl::study
