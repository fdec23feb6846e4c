// fuzz_seeds FOLDER: writes every target's seeds to FOLDER/NAME/seed-000, ... for libFuzzer to
// begin from.
#include <cstdio>

#include "common/core/file.h"
#include "tests/fuzz/target.h"

namespace {

atl::Status write_all(const std::string& folder) {
  for (const auto& target : atl::fuzz::targets()) {
    ATOLL_TRY(atl::make_folders(folder + "/" + target.name));
    const auto seeds = target.seeds();
    for (size_t i = 0; i < seeds.size(); ++i) {
      char name[32];
      std::snprintf(name, sizeof(name), "/seed-%03zu", i);
      ATOLL_TRY(atl::write_replace(folder + "/" + target.name + name, atl::as_text(seeds[i])));
    }
  }
  return {};
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  if (auto written = write_all(words[1]); !written)
    return std::fprintf(stderr, "%s\n", written.error().explain().c_str()), 5;
  return 0;
}
