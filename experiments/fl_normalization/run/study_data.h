// The data sets of a study, each opened once and shared by all cells.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "client/data/dataset.h"
#include "experiments/fl_normalization/run/test_parts.h"
#include "experiments/fl_normalization/study/cell.h"

namespace atl::study {

struct StudySet {
  data::DataSplits splits;  // images of 32x32, whole parts
  TestParts parts;
};

// Thread-safe.
class StudyData {
 public:
  // `folder`: where a set's files are; empty: as `atoll data` finds them, downloading at need.
  explicit StudyData(std::string folder = {}) : folder_(std::move(folder)) {}
  // Made from elsewhere, for example in a test.
  void put(const std::string& name, StudySet set);
  // Stays valid as long as this object.
  Result<const StudySet*> get(const std::string& name);

 private:
  std::string folder_;
  std::mutex mutex_;
  std::map<std::string, StudySet> sets_;
};

}  // namespace atl::study
