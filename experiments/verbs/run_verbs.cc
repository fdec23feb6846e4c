#include "experiments/verbs/run_verbs.h"

#include <cstdio>

#include "common/cli/describe.h"

namespace atl::workbench {
namespace {

int told(const Error& error) {
  std::fputs(error.explain().c_str(), stderr);
  return error.exit_status();
}

}  // namespace

int run_verbs(CLI::App& app, const Verbs& verbs, int argc, char** argv,
              const std::function<Status()>& before) {
  app.require_subcommand(1);
  const cli::DescribeVerb describe(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ErrorCode::kUsage);
  }
  if (describe.print()) return 0;
  if (before) {
    if (auto ready = before(); !ready) return told(ready.error());
  }
  for (const auto& verb : verbs) {
    if (!verb.app->parsed()) continue;
    auto done = verb.run();
    return done ? 0 : told(done.error());
  }
  return static_cast<int>(ErrorCode::kUsage);
}

}  // namespace atl::workbench
