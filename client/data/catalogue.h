// The data sets that Atoll knows by name: which files, what is in them, under which terms, and
// where the public can get them. Constant facts; opening a set is open.h's work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"

namespace atl::data {

// A file of a set, by its plain name; NAME.gz and NAME.xz are as good. The facts are those of the
// unpacked content, so any packing passes.
struct SetFile {
  std::string name;
  uint64_t bytes = 0;
  // Any of these: 64 hexadecimal digits are a SHA-256, 40 a SHA-1 (where the original's publisher
  // gave no other).
  std::vector<std::string> digests;
};

// Where files can be got: an address and the files it gives. An archive (.tar.gz, .zip, .whl) gives
// its members; any other address gives the one file.
struct Source {
  std::string address;  // https://..., or pip:PACKAGE==VERSION for a wheel of the package index
  std::string sha256;   // of the archive; empty: only the members are checked
  uint64_t bytes = 0;   // of the download, about
  struct Member {
    std::string path;  // inside the archive; empty: the download itself
    std::string file;  // a SetFile's name, with .gz or .xz where the member is packed
  };
  std::vector<Member> members;
};

enum class SetFormat { kIdx, kCifar, kDigits, kCsv };

struct SetEntry {
  std::string name, title;
  SetFormat format = SetFormat::kIdx;
  std::vector<SetFile> files;  // in the order in which the format reads them
  std::vector<int64_t> shape;  // of one example
  std::vector<std::string> class_names;
  uint64_t train = 0, test = 0;  // examples
  std::string split;             // how the two parts are told apart
  std::vector<float> mean, std;  // per channel of images, of the training part
  std::string licence;
  std::string page;             // where its authors describe it
  std::vector<Source> sources;  // empty: the public address has it in no form that Atoll reads
};

const std::vector<SetEntry>& catalogue();
// kUsage for a name that is not in the catalogue; the hint lists those that are.
Result<const SetEntry*> find_set(std::string_view name);

}  // namespace atl::data
