// The safetensors file format (github.com/huggingface/safetensors): 8 bytes little-endian header
// length, a JSON header {name: {dtype, shape, data_offsets}, "__metadata__": {string: string}},
// then the data without holes.
//
// Atoll writes tensors in flat order (see manifest.h), so the data section is the model's flat
// bytes; the role of each tensor stands in the metadata under "role:NAME", and the SHA-256 of the
// data section under "data_sha256". Reading takes any valid file: bounds, overlaps, holes, dtypes,
// shapes and the header's size (<= 100 MB) are checked before anything is allocated; tensors may
// lie in any order.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "common/core/file.h"
#include "common/tensor/manifest.h"

namespace atl {

using Metadata = std::map<std::string, std::string>;

// The header of an open file, checked. Thread-safe after open().
class SafetensorsFile {
 public:
  // kModel with the reason when the file is not a valid safetensors file; kIo when it cannot be
  // read.
  static Result<SafetensorsFile> open(const std::string& path);

  const Manifest& manifest() const { return manifest_; }
  const Metadata& metadata() const { return metadata_; }
  // True when the data section is in flat order, as in every file written by Atoll.
  bool is_flat() const { return flat_; }
  // Reads model flat bytes at `offset` (in the manifest's order, whatever the order in the file).
  Status read_flat(uint64_t offset, MutableByteView out) const;
  // Digest of the data section, computed now.
  Result<Digest> data_digest() const;
  // Compares the data section with "data_sha256"; a file without it passes.
  Status verify() const;

 private:
  SafetensorsFile(File file) : file_(std::move(file)) {}
  File file_;
  Manifest manifest_;
  Metadata metadata_;
  uint64_t data_start_ = 0;
  std::vector<uint64_t> file_offsets_;  // per tensor of the manifest, from data_start_
  bool flat_ = true;
};

// kModel when no safetensors file can hold this model: its header would be over 100 MB (about a
// million tensors, or fewer with long names).
Status can_be_written(const Manifest& manifest);

// Writes atomically. `fill` is called with consecutive ranges of the flat bytes, from 0 to the end,
// each at most 1 MiB, and must fill them. "data_sha256" and the roles are added to `metadata`.
// Returns the digest of the data section. `fault`: fault points FAULT.piece, for each range, and
// FAULT.rename lie on the way; none when empty.
using FlatSource = std::function<Status(uint64_t offset, MutableByteView out)>;
Result<Digest> write_safetensors(const std::string& path, const Manifest& manifest,
                                 Metadata metadata, const FlatSource& fill,
                                 std::string_view fault = {});
Result<Digest> write_safetensors(const std::string& path, const Manifest& manifest,
                                 Metadata metadata, ByteView flat);

}  // namespace atl
