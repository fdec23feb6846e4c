#include "common/tensor/safetensors.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "common/tensor/safetensors_header.h"

#include "common/core/fault.h"

namespace atl {
namespace {

using safetensors::Header;
using safetensors::Placed;
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kPiece = 1 << 20;

Error bad(const std::string& path, const std::string& why) {
  return Error(ErrorCode::kModel, path + " is not a valid safetensors file: " + why);
}

Result<Header> read_header(const File& file, uint64_t size, uint64_t& data_start) {
  const auto& path = file.path();
  if (size < 8) return bad(path, "shorter than 8 bytes");
  std::array<std::byte, 8> raw;
  ATOLL_TRY(file.read_at(0, raw));
  uint64_t length = 0;
  for (size_t i = 0; i < 8; ++i) length |= std::to_integer<uint64_t>(raw[i]) << (8 * i);
  if (length > kMaxHeader)
    return bad(path, "its header claims " + std::to_string(length) + " bytes");
  if (length > size - 8) return bad(path, "it ends inside its header");
  std::string text(length, '\0');
  ATOLL_TRY(file.read_at(8, std::as_writable_bytes(std::span(text))));
  data_start = 8 + length;
  auto header = safetensors::parse_header(text);
  if (!header) return bad(path, header.error().message());
  return header;
}

Error header_too_long(uint64_t size) {
  return Error(ErrorCode::kModel,
               "the model has too many tensors for a safetensors file: a header of " +
                   std::to_string(size) + " bytes, and the limit is 100 MB");
}

Status set_role(const std::string& path, const Metadata& metadata, TensorSpec& tensor) {
  const auto said = metadata.find("role:" + tensor.name);
  if (said == metadata.end()) return {};
  const auto known = role_from_string(said->second);
  if (!known)
    return bad(path, "tensor \"" + tensor.name + "\" has the unknown role " + said->second);
  tensor.role = *known;
  return {};
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  ATOLL_ASSIGN(auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  SafetensorsFile out(std::move(file));
  ATOLL_ASSIGN(auto header, read_header(out.file_, size, out.data_start_));
  out.metadata_ = std::move(header.metadata);

  auto& placed = header.tensors;
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t next = 0;
  for (auto& tensor : placed) {
    ATOLL_TRY(set_role(path, out.metadata_, tensor.spec));
    if (tensor.begin != next || tensor.end < tensor.begin) {
      return bad(path, "tensor \"" + tensor.spec.name + "\" overlaps another or leaves a hole");
    }
    next = tensor.end;
  }
  if (next != size - out.data_start_) {
    return bad(path, next > size - out.data_start_ ? "it ends early"
                                                   : "it has bytes after its last tensor");
  }
  // The manifest's own order, which leaves the file's among tensors of one width.
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return size_of(a.spec.dtype) > size_of(b.spec.dtype);
  });
  std::vector<TensorSpec> specs;
  specs.reserve(placed.size());
  for (auto& tensor : placed) specs.push_back(std::move(tensor.spec));
  auto manifest = Manifest::make(std::move(specs));
  if (!manifest) return bad(path, manifest.error().message());
  out.manifest_ = std::move(manifest).value();
  for (size_t i = 0; i < placed.size(); ++i) {
    const auto& spec = out.manifest_.tensors()[i];
    if (spec.bytes() != placed[i].end - placed[i].begin)
      return bad(path, "tensor \"" + spec.name + "\" has a length that does not fit its shape");
    out.file_offsets_.push_back(placed[i].begin);
    out.flat_ = out.flat_ && (spec.bytes() == 0 || placed[i].begin == spec.offset);
  }
  return out;
}

Status SafetensorsFile::read_flat(uint64_t offset, MutableByteView out) const {
  ATOLL_CHECK(offset <= manifest_.total_bytes() && out.size() <= manifest_.total_bytes() - offset,
              "a range inside the model");
  if (flat_) return file_.read_at(data_start_ + offset, out);
  const auto& tensors = manifest_.tensors();
  const uint64_t end = offset + out.size();
  for (size_t i = manifest_.first_at(offset); i < tensors.size() && tensors[i].offset < end; ++i) {
    const uint64_t from = std::max(offset, tensors[i].offset);
    const uint64_t to = std::min(end, tensors[i].offset + tensors[i].bytes());
    if (from >= to) continue;
    ATOLL_TRY(file_.read_at(data_start_ + file_offsets_[i] + (from - tensors[i].offset),
                            out.subspan(from - offset, to - from)));
  }
  return {};
}

Result<Digest> SafetensorsFile::data_digest() const {
  return sha256_file(file_.path(), data_start_);
}

Status SafetensorsFile::verify() const {
  auto said = metadata_.find("data_sha256");
  if (said == metadata_.end()) return {};
  ATOLL_ASSIGN(const auto found, data_digest());
  if (hex(found) != said->second) {
    return Error(ErrorCode::kModel,
                 file_.path() + " is damaged: its data do not have the hash in its header");
  }
  return {};
}

Status can_be_written(const Manifest& manifest) {
  constexpr uint64_t kMetadata = 1 << 20;  // room for what a writer adds
  const uint64_t size = safetensors::header_size(manifest) + kMetadata;
  if (size > kMaxHeader) return header_too_long(size);
  return {};
}

Result<Digest> write_safetensors(const std::string& path, const Manifest& manifest,
                                 Metadata metadata, const FlatSource& fill,
                                 std::string_view fault) {
  const std::string placeholder(64, '0');
  metadata["data_sha256"] = placeholder;
  for (const auto& tensor : manifest.tensors())
    metadata["role:" + tensor.name] = to_string(tensor.role);
  const std::string text = safetensors::header_text(manifest, metadata);
  if (text.size() > kMaxHeader) return header_too_long(text.size()).wrap("cannot write " + path);
  // The hash stands before the data that it is of: its place is kept, and filled when the data are
  // through.
  const std::string key = "\"data_sha256\":\"";
  const auto place = text.find(key + placeholder);
  ATOLL_CHECK(place != std::string::npos, "the place of the hash");

  Digest digest{};
  auto write = [&](File& file) -> Status {
    std::array<std::byte, 8> length;
    for (size_t i = 0; i < 8; ++i)
      length[i] = static_cast<std::byte>(static_cast<uint64_t>(text.size()) >> (8 * i));
    ATOLL_TRY(file.write_at(0, length));
    ATOLL_TRY(file.write_at(8, as_bytes(text)));
    Sha256 hash;
    Bytes piece;
    const uint64_t total = manifest.total_bytes();
    for (uint64_t offset = 0; offset < total; offset += piece.size()) {
      piece.resize(std::min<uint64_t>(kPiece, total - offset));
      if (!fault.empty()) ATOLL_TRY(fault::point(fault, ".piece"));
      ATOLL_TRY(fill(offset, piece));
      hash.update(piece);
      ATOLL_TRY(file.write_at(8 + text.size() + offset, piece));
    }
    digest = hash.finish();
    return file.write_at(8 + place + key.size(), as_bytes(hex(digest)));
  };
  const auto written = write_atomic(path, write, fault);
  if (!written) return written.error();
  return digest;
}

Result<Digest> write_safetensors(const std::string& path, const Manifest& manifest,
                                 Metadata metadata, ByteView flat) {
  ATOLL_CHECK(flat.size() == manifest.total_bytes(), "the model's size");
  return write_safetensors(path, manifest, std::move(metadata),
                           [flat](uint64_t offset, MutableByteView out) {
                             if (!out.empty())
                               std::memcpy(out.data(), flat.data() + offset, out.size());
                             return Status();
                           });
}

}  // namespace atl
