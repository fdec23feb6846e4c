#include "experiments/report/report_verb.h"

#include <iostream>
#include <memory>

#include "common/core/file.h"
#include "experiments/report/comparison_page.h"
#include "experiments/report/comparison_summary.h"
#include "experiments/report/export.h"
#include "experiments/report/page.h"
#include "experiments/report/page_style.h"
#include "experiments/report/run_record.h"
#include "experiments/report/summary.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

constexpr const char* kComparisonPage = "report.html";

struct Options {
  std::vector<std::string> runs;
  std::string out, export_folder;
  double target = 0;  // 0: not given
  bool json = false;
};

// Nothing that somebody else wrote is lost for a page.
Status check_overwrite(const std::string& path) {
  if (!exists(path)) return {};
  const auto text = read_text(path);
  if (text && is_page(*text)) return {};
  return Error(ErrorCode::kUsage, path + " is there already, and is not a report of Atoll's")
      .hint("name another file: --out FILE.html");
}

Result<std::string> write_page(const std::string& path, const std::string& page,
                               const std::string& again) {
  ATOLL_TRY(check_overwrite(path));
  if (auto written = write_atomic(path, page); !written)
    return std::move(written).error().hint(again + " --out FILE.html writes it elsewhere");
  return path;
}

Result<std::string> write_page(const RunRecord& run, const std::string& page_path) {
  return write_page(page_path.empty() ? run.folder + "/report.html" : page_path, render_page(run),
                    "atoll report " + run.folder);
}

// `what` is a RunRecord or a Comparison.
template <typename What>
Status finish(const What& what, const Options& options, const std::string& path) {
  if (!options.export_folder.empty()) ATOLL_TRY(export_report(what, options.export_folder));
  std::cout << (options.json ? json_summary(what, path) + "\n" : terminal_summary(what, path));
  if (!options.export_folder.empty() && !options.json)
    std::cout << padded("files", 10) << options.export_folder << "\n";
  return {};
}

Status report(const Options& options) {
  std::vector<RunRecord> records;
  for (const auto& folder : options.runs) {
    ATOLL_ASSIGN(auto record, read_run(folder));
    records.push_back(std::move(record));
  }
  if (records.size() == 1) {
    ATOLL_ASSIGN(const auto path, write_page(records[0], options.out));
    return finish(records[0], options, path);
  }
  auto comparison =
      compare(std::move(records),
              options.target > 0 ? std::optional<double>(options.target) : std::nullopt);
  if (comparison.runs.size() == 1) {
    auto& only = comparison.runs[0].record;
    only.notes.insert(only.notes.begin(), comparison.notes.begin(), comparison.notes.end());
    ATOLL_ASSIGN(const auto path, write_page(only, options.out));
    return finish(only, options, path);
  }
  std::string again = "atoll report";
  for (const auto& folder : options.runs) again += " " + folder;
  ATOLL_ASSIGN(const auto path, write_page(options.out.empty() ? kComparisonPage : options.out,
                                           render_page(comparison), again));
  return finish(comparison, options, path);
}

}  // namespace

Result<std::string> write_report(const std::string& run_folder, const std::string& page_path) {
  ATOLL_ASSIGN(const auto run, read_run(run_folder));
  return write_page(run, page_path);
}

void add_report_verb(CLI::App& app, Verbs& verbs) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand(
      "report", "write the HTML page of a run, or of several side by side, and sum up");
  verb->add_option("run", options->runs,
                   "folders of runs; those that differ only in seed are one line")
      ->type_name("RUN")
      ->required();
  verb->add_option("--out", options->out,
                   "where to write the page; RUN/report.html, of several runs ./report.html")
      ->type_name("FILE.html");
  verb->add_option("--target", options->target,
                   "of several runs: the accuracy to count rounds and bytes to, 0.9 for 90 %")
      ->type_name("SHARE")
      ->check(CLI::Range(1e-6, 1.0));
  verb->add_option("--export", options->export_folder,
                   "write each figure as SVG and each table as CSV into a folder too")
      ->type_name("FOLDER");
  verb->add_flag("--json", options->json, "print the summary as one JSON object");
  verbs.push_back({verb, [options] { return report(*options); }});
}

}  // namespace atl::workbench
