#include "experiments/doctor/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "client/data/catalogue.h"
#include "client/data/locate.h"
#include "common/core/utc.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMega = 1'000'000;
constexpr uint64_t kLittleMemory = 1'000 * kMega, kLittleDisk = 1'000 * kMega;
constexpr uint64_t kNoDisk = 20 * kMega;  // less than a small model's checkpoints and records
constexpr rlim_t kFewFiles = 4'096;

std::string size_text(uint64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

std::string text_of(const std::string& path) {  // of /proc and /sys, whose files have no size
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

size_t cores_here() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<size_t>(CPU_COUNT(&set));
}

uint64_t kilobytes(const std::string& info, const std::string& key) {
  const auto at = info.find(key);
  return at == std::string::npos
             ? 0
             : std::strtoull(info.c_str() + at + key.size(), nullptr, 10) * 1024;
}

void check_processor(Findings& findings) {
  const auto cpu = processor_of(text_of("/proc/cpuinfo"));
  const auto cores = cores_here();
  auto text = with_commas(cores) + (cores == 1 ? " core" : " cores");
  if (!cpu.name.empty()) text += " of " + cpu.name;
  if (!cpu.x86) return findings.ok("cpu", text);
  text += cpu.avx512 ? ", AVX2 and AVX-512" : cpu.avx2 ? ", AVX2, no AVX-512" : ", no AVX2";
  if (cpu.avx2) return findings.ok("cpu", text);
  findings.warn("cpu", text + ": LibTorch trains several times slower",
                "grep -o -m1 avx2 /proc/cpuinfo");
}

void check_free_memory(Findings& findings) {
  const auto memory = memory_here();
  const auto text =
      size_text(memory.available) + " free of " + size_text(memory.total) + " for this process";
  if (memory.available >= kLittleMemory) return findings.ok("memory", text);
  findings.warn("memory", text + ": little for a process with LibTorch", "free -h");
}

void check_descriptors(Findings& findings) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto text = "at most " +
                    (files.rlim_max == RLIM_INFINITY ? std::string("any number of")
                                                     : with_commas(files.rlim_max)) +
                    " open files";
  if (files.rlim_max >= kFewFiles) return findings.ok("files", text);
  findings.warn("files",
                text + ": a server needs two for every client of a round, and takes all it may",
                "ulimit -Hn " + std::to_string(kFewFiles));
}

void check_clock(Findings& findings, net::WallTime now) {
  // Nothing of Atoll was built before 2026.
  constexpr int64_t kBegin = 1'767'225'600;
  const auto text = "it is " + utc_text(now);
  if (std::chrono::system_clock::to_time_t(now) >= kBegin) return findings.ok("clock", text);
  findings.problem("clock", ErrorCode::kIdentity,
                   text + " by this machine's clock: no certificate is good yet",
                   "timedatectl set-ntp true");
}

void check_torch(Findings& findings, const TorchFacts& torch) {
  if (torch.version.empty()) {
    return findings.ok("torch",
                       "this build is without LibTorch: it can serve, report and look at data, "
                       "and cannot train (./atoll build makes one that can)");
  }
  auto text = "LibTorch " + torch.version;
  if (!torch.cuda_built) return findings.ok("torch", text + ", built for the CPU");
  if (torch.devices.empty()) {
    return findings.warn("torch", text + ", built with CUDA, but no CUDA device is seen",
                         "nvidia-smi");
  }
  text += ", CUDA:";
  for (size_t i = 0; i < torch.devices.size(); ++i)
    text += (i > 0 ? ", " : " ") + torch.devices[i] + " (cuda:" + std::to_string(i) + ")";
  findings.ok("torch", text);
}

}  // namespace

Processor processor_of(std::string_view cpuinfo) {
  Processor cpu;
  std::istringstream lines{std::string(cpuinfo)};
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const auto value = line.substr(colon + 2);
    if (cpu.name.empty() && line.rfind("model name", 0) == 0) cpu.name = value;
    if (line.rfind("flags", 0) != 0) continue;
    const auto flags = " " + value + " ";
    cpu.x86 = true;
    cpu.avx2 = flags.find(" avx2 ") != std::string::npos;
    cpu.avx512 = flags.find(" avx512f ") != std::string::npos;
    break;
  }
  return cpu;
}

Memory memory_here() {
  const auto info = text_of("/proc/meminfo");
  Memory memory{kilobytes(info, "MemTotal:"), kilobytes(info, "MemAvailable:")};
  // A container's limit; "max", or no such file, is none.
  const uint64_t limit = std::strtoull(text_of("/sys/fs/cgroup/memory.max").c_str(), nullptr, 10);
  const uint64_t used =
      std::strtoull(text_of("/sys/fs/cgroup/memory.current").c_str(), nullptr, 10);
  if (limit > 0 && limit < memory.total) {
    memory.total = limit;
    memory.available = std::min(memory.available, limit > used ? limit - used : uint64_t{0});
  }
  return memory;
}

void check_memory(Findings& findings, const std::string& what, uint64_t bytes) {
  const auto memory = memory_here();
  const auto text =
      what + " " + size_text(bytes) + " of memory; " + size_text(memory.available) + " are free";
  if (bytes <= memory.available) return findings.ok("memory", text);
  findings.problem("memory", ErrorCode::kTrainer, text, "free -h");
}

void check_disk(Findings& findings, const std::string& path, uint64_t need) {
  std::error_code ignored;
  auto place = fs::absolute(path, ignored);
  while (!fs::exists(place, ignored) && place.has_relative_path()) place = place.parent_path();
  struct statvfs disk {};
  if (::statvfs(place.c_str(), &disk) != 0) {
    return findings.problem("disk", errno_error("cannot examine " + place.string(), errno),
                            "ls -ld " + place.string());
  }
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  auto text = size_text(free) + " free where " + path + " lies";
  if (need > 0) text += "; the run keeps up to " + size_text(need);
  if (free < std::max(need, kNoDisk))
    return findings.problem("disk", ErrorCode::kDiskFull, text, "df -h " + place.string());
  if (free < need + kLittleDisk) return findings.warn("disk", text, "df -h " + place.string());
  findings.ok("disk", text);
}

void check_sets_at_hand(Findings& findings) {
  if (const char* named = std::getenv("ATOLL_DATA"); named != nullptr && *named != 0) {
    std::error_code ignored;
    if (!fs::is_directory(named, ignored)) {
      return findings.problem("data", ErrorCode::kData,
                              std::string("ATOLL_DATA names ") + named + ", which is no folder",
                              "unset ATOLL_DATA");
    }
  }
  std::string found;
  for (const auto& set : data::catalogue())
    if (data::find_folder(set)) found += (found.empty() ? "" : ", ") + set.name;
  if (!found.empty()) return findings.ok("data", "at hand: " + found);
  findings.ok("data", "no known set is at hand; `atoll data get digits` is the smallest");
}

void check_machine(Findings& findings, const TorchFacts& torch, net::WallTime now) {
  findings.turn_to("");
  check_processor(findings);
  check_free_memory(findings);
  check_disk(findings, ".", 0);
  check_descriptors(findings);
  check_clock(findings, now);
  check_torch(findings, torch);
  check_sets_at_hand(findings);
}

}  // namespace atl::workbench
