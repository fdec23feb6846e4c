// Observation: hears of every model of a cell's run (SimulationOptions::committed), evaluates and
// measures what the cell asks for, and fills the tables of the cell's result.
#pragma once

#include <string>

#include "experiments/data/partition.h"
#include "experiments/fl_normalization/metrics/norm_track.h"
#include "experiments/fl_normalization/run/round_book.h"
#include "experiments/fl_normalization/run/scorer.h"
#include "experiments/fl_normalization/run/test_parts.h"
#include "experiments/fl_normalization/study/cell_result.h"

namespace atl::study {

// Everything passed in outlives it. One thread at a time; exceptions of LibTorch do not leave it.
class Observation {
 public:
  Observation(const Cell& cell, const workbench::Partition& partition,
              const data::DataSplits& splits, const TestParts& parts, RoundBook& book,
              Scorer scorer, CellResult& result);

  Status committed(uint32_t round, const std::string& model_file);
  // Bytes that the server has sent and received, for the next row of the curve.
  void traffic(uint64_t down, uint64_t up) { down_ = down, up_ = up; }

 private:
  void evaluate(uint32_t round, ByteView model);
  void measure(uint32_t round, ByteView model, const RoundModels& models);
  void measure_shift(uint32_t round, const RoundModels& models);
  void measure_statistics(uint32_t round, ByteView model, const RoundModels& models);
  void measure_contributions(uint32_t round, ByteView model, const RoundModels& models);
  void note_local_accuracy(uint32_t round, const RoundModels& models);
  std::vector<bool> classes_of(const std::string& client) const;

  const Cell& cell_;
  const workbench::Partition& partition_;
  const data::DataSplits& splits_;
  const TestParts& parts_;
  RoundBook& book_;
  Scorer scorer_;
  CellResult& result_;
  NormTrack norms_;
  uint64_t down_ = 0, up_ = 0;
};

}  // namespace atl::study
