// A program's manual page and its completion for bash, made from the very table of options that
// parses its command line and prints its --help.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace atl::cli {

// In roff, section 1: verbs with their options, exit codes (docs/exit-codes.md).
std::string manual_page(const CLI::App& app);
// For `source`, or bash-completion's folder. Completes verbs and options; files elsewhere.
std::string bash_completion(const CLI::App& app);

// A verb "describe man|bash" that --help does not list: the build asks for them.
class DescribeVerb {
 public:
  explicit DescribeVerb(CLI::App& app);
  // Prints what was asked for; false when the verb was not given.
  bool print() const;

 private:
  CLI::App& app_;
  CLI::App* verb_;
  std::string what_;
};

}  // namespace atl::cli
