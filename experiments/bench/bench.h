// What every benchmark shares: samples with their spread, figures, and bars (a figure with a limit
// that must hold), printed as a table for people and as one line of JSON for programs.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "common/core/result.h"

namespace CLI {
class App;
}

namespace atl::bench {

// Repeated measurements of one quantity.
class Sample {
 public:
  Sample() = default;
  explicit Sample(std::vector<double> values) : values_(std::move(values)) {}
  void add(double value) { values_.push_back(value); }
  size_t size() const { return values_.size(); }
  // q in [0, 1], linear between neighbours. The sample is not empty.
  double quantile(double q) const;
  double median() const { return quantile(0.5); }
  double least() const { return quantile(0); }
  double most() const { return quantile(1); }

 private:
  std::vector<double> values_;
};

// How a bar counts. Timings of a short form, on a machine that others use too, are shown only.
enum class Enforce { kHard, kShownOnly };

// The result of one benchmark. Not shared between threads.
class Report {
 public:
  explicit Report(std::string name) : name_(std::move(name)) {}

  void figure(const std::string& name, double value, const std::string& unit);
  void figure(const std::string& name, const Sample& sample, const std::string& unit);
  void at_most(const std::string& name, double value, double limit, Enforce enforce);
  void at_least(const std::string& name, double value, double limit, Enforce enforce);
  // A bar that is a fact: true or missed.
  void holds(const std::string& name, bool value);
  // A line for people, below the table.
  void note(std::string text) { notes_.push_back(std::move(text)); }

  const std::string& name() const { return name_; }
  // The names of the enforced bars that do not hold, with value and limit.
  std::vector<std::string> missed() const;
  void print(std::ostream& out) const;
  // One object on one line: {"bench", "machine", "figures", "bars"}.
  std::string json() const;

 private:
  struct Figure {
    std::string name, unit;
    double value = 0, least = 0, most = 0;
    size_t count = 1;
  };
  struct Bar {
    std::string name, limit;
    double value = 0;
    bool holds = false;
    bool fact = false;
    Enforce enforce = Enforce::kHard;
  };
  std::string name_;
  std::vector<Figure> figures_;
  std::vector<Bar> bars_;
  std::vector<std::string> notes_;
};

// What every benchmark is told.
struct Settings {
  bool short_form = false;  // seconds instead of minutes; for CI
};

// One benchmark, as a row of a table. declare() adds its options to its sub-command and returns
// what runs it; options are read when that runs, after parsing.
struct Benchmark {
  using Run = std::function<Result<Report>(const Settings&)>;
  std::string name, help;
  std::function<Run(CLI::App&)> declare;
};

// The processor, cores, memory and kernel, for the record.
struct Machine {
  std::string processor, kernel;
  unsigned cores = 0;
  uint64_t memory_bytes = 0;
};
Machine this_machine();

// "256MB", "3GB", "8192": bytes, in powers of 1024. kUsage otherwise.
Result<uint64_t> parse_size(const std::string& text);

}  // namespace atl::bench
