#include "experiments/report/report_verb.h"

#include <iostream>
#include <memory>

#include "common/core/file.h"
#include "experiments/report/page.h"
#include "experiments/report/run_record.h"
#include "experiments/report/summary.h"

namespace atl::workbench {
namespace {

struct Options {
  std::string run, out;
  bool json = false;
};

Result<std::string> write_page(const RunRecord& run, const std::string& page_path) {
  const std::string path = page_path.empty() ? run.folder + "/report.html" : page_path;
  auto written = write_atomic(path, render_page(run));
  if (!written) {
    return std::move(written).error().hint("atoll report " + run.folder +
                                           " --out FILE.html writes it elsewhere");
  }
  return path;
}

Status report(const Options& options) {
  ATOLL_ASSIGN(const auto run, read_run(options.run));
  ATOLL_ASSIGN(const auto path, write_page(run, options.out));
  std::cout << (options.json ? json_summary(run, path) + "\n" : terminal_summary(run, path));
  return {};
}

}  // namespace

Result<std::string> write_report(const std::string& run_folder, const std::string& page_path) {
  ATOLL_ASSIGN(const auto run, read_run(run_folder));
  return write_page(run, page_path);
}

void add_report_verb(CLI::App& app, Verbs& verbs) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("report", "write the HTML page of a run, and sum it up");
  verb->add_option("run", options->run, "the run's folder")->type_name("RUN")->required();
  verb->add_option("--out", options->out, "where to write the page; RUN/report.html by default")
      ->type_name("FILE.html");
  verb->add_flag("--json", options->json, "print the summary as one JSON object");
  verbs.push_back({verb, [options] { return report(*options); }});
}

}  // namespace atl::workbench
