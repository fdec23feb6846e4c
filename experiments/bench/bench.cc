#include "experiments/bench/bench.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

namespace atl::bench {
namespace {

using Json = nlohmann::ordered_json;

// Four significant digits: a benchmark knows no more.
std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  if (std::fabs(value) >= 1000 && std::fabs(value) < 1e7)
    std::snprintf(text, sizeof(text), "%.0f", value);
  return text;
}

double rounded(double value) { return std::isfinite(value) ? std::stod(text_of(value)) : value; }

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

double Sample::quantile(double q) const {
  ATOLL_CHECK(!values_.empty(), "a quantile of nothing");
  auto sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

void Report::figure(const std::string& name, double value, const std::string& unit) {
  figures_.push_back({name, unit, value, value, value, 1});
}
void Report::figure(const std::string& name, const Sample& sample, const std::string& unit) {
  figures_.push_back({name, unit, sample.median(), sample.least(), sample.most(), sample.size()});
}
void Report::at_most(const std::string& name, double value, double limit, Enforce enforce) {
  bars_.push_back({name, "<= " + text_of(limit), value, value <= limit, false, enforce});
}
void Report::at_least(const std::string& name, double value, double limit, Enforce enforce) {
  bars_.push_back({name, ">= " + text_of(limit), value, value >= limit, false, enforce});
}
void Report::holds(const std::string& name, bool value) {
  bars_.push_back({name, "true", value ? 1.0 : 0.0, value, true, Enforce::kHard});
}

std::vector<std::string> Report::missed() const {
  std::vector<std::string> names;
  for (const auto& bar : bars_) {
    if (bar.holds || bar.enforce != Enforce::kHard) continue;
    names.push_back(bar.name + " is " + (bar.fact ? "false" : text_of(bar.value)) + ", must be " +
                    bar.limit);
  }
  return names;
}

void Report::print(std::ostream& out) const {
  size_t width = 0;
  for (const auto& figure : figures_) width = std::max(width, figure.name.size());
  for (const auto& bar : bars_) width = std::max(width, bar.name.size());
  out << "bench " << name_ << "\n";
  for (const auto& figure : figures_) {
    out << "  " << padded(figure.name, width) << "  " << text_of(figure.value) << " "
        << figure.unit;
    if (figure.count > 1) {
      out << "  (" << text_of(figure.least) << " to " << text_of(figure.most) << ", "
          << figure.count << " repeats)";
    }
    out << "\n";
  }
  out << "bars\n";
  for (const auto& bar : bars_) {
    const bool shown_only = bar.enforce == Enforce::kShownOnly;
    out << "  " << padded(bar.name, width) << "  "
        << (bar.fact ? (bar.holds ? "true" : "false") : text_of(bar.value)) << "  " << bar.limit
        << "  " << (bar.holds ? "holds" : "MISSED") << (shown_only ? " (shown only)" : "") << "\n";
  }
  for (const auto& note : notes_) out << note << "\n";
}

std::string Report::json() const {
  const auto machine = this_machine();
  Json figures = Json::object();
  for (const auto& figure : figures_) {
    Json entry{{"value", rounded(figure.value)}, {"unit", figure.unit}};
    if (figure.count > 1) {
      entry["least"] = rounded(figure.least);
      entry["most"] = rounded(figure.most);
      entry["repeats"] = figure.count;
    }
    figures[figure.name] = std::move(entry);
  }
  Json bars = Json::object();
  for (const auto& bar : bars_) {
    Json entry = Json::object();
    entry["value"] = bar.fact ? Json(bar.holds) : Json(rounded(bar.value));
    entry["limit"] = bar.limit;
    entry["holds"] = bar.holds;
    if (bar.enforce == Enforce::kShownOnly) entry["shown_only"] = true;
    bars[bar.name] = std::move(entry);
  }
  Json all{{"bench", name_},
           {"machine",
            {{"processor", machine.processor},
             {"cores", machine.cores},
             {"memory_bytes", machine.memory_bytes},
             {"kernel", machine.kernel}}},
           {"figures", std::move(figures)},
           {"bars", std::move(bars)}};
  return all.dump();
}

Machine this_machine() {
  Machine machine;
  machine.cores = std::max(1u, std::thread::hardware_concurrency());
  machine.memory_bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                         static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  utsname name{};
  if (::uname(&name) == 0) machine.kernel = name.release;
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) machine.processor = line.substr(colon + 2);
    break;
  }
  return machine;
}

Result<uint64_t> parse_size(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string unit = end == nullptr ? "" : end;
  double factor = 0;
  if (unit.empty() || unit == "B") factor = 1;
  if (unit == "KB" || unit == "K") factor = 1024.0;
  if (unit == "MB" || unit == "M") factor = 1024.0 * 1024;
  if (unit == "GB" || unit == "G") factor = 1024.0 * 1024 * 1024;
  const double bytes = number * factor;
  if (end == text.c_str() || !(bytes >= 1) || bytes > 1e13) {
    return Error(ErrorCode::kUsage,
                 "\"" + text + "\" is not a size; write for example 8MB, 256MB or 3GB");
  }
  return static_cast<uint64_t>(bytes);
}

}  // namespace atl::bench
