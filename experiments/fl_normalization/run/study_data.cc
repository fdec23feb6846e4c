#include "experiments/fl_normalization/run/study_data.h"

#include "client/data/open.h"
#include "experiments/data/derive.h"
#include "experiments/data/get.h"

namespace atl::study {
namespace {

constexpr int64_t kSide = 32;

}  // namespace

void StudyData::put(const std::string& name, StudySet set) {
  std::lock_guard lock(mutex_);
  sets_[name] = std::move(set);
}

Result<const StudySet*> StudyData::get(const std::string& name) {
  std::lock_guard lock(mutex_);
  const auto known = sets_.find(name);
  if (known != sets_.end()) return &known->second;
  std::string folder = folder_;
  if (folder.empty()) {
    ATOLL_ASSIGN(folder, workbench::find_or_get(name));
  }
  ATOLL_ASSIGN(const auto opened, data::open_dataset(name, folder));
  StudySet set;
  ATOLL_ASSIGN(set.splits.train, workbench::padded(opened.train, kSide));
  ATOLL_ASSIGN(set.splits.test, workbench::padded(opened.test, kSide));
  ATOLL_ASSIGN(set.parts, make_test_parts(*set.splits.test));
  return &(sets_[name] = std::move(set));
}

}  // namespace atl::study
