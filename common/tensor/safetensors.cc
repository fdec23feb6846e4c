#include "common/tensor/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "common/core/fault.h"

namespace atl {
namespace {

using Json = nlohmann::ordered_json;
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kPiece = 1 << 20;

Error bad(const std::string& path, const std::string& why) {
  return Error(ErrorCode::kModel, path + " is not a valid safetensors file: " + why);
}

struct Placed {
  TensorSpec spec;
  uint64_t begin = 0, end = 0;
};

Result<Placed> parse_tensor(const std::string& path, const std::string& name, const Json& entry) {
  auto broken = [&](const char* why) { return bad(path, "tensor \"" + name + "\" " + why); };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    return broken("lacks dtype, shape or data_offsets");
  }
  const auto& dtype = entry["dtype"];
  const auto& shape = entry["shape"];
  const auto& offsets = entry["data_offsets"];
  Placed placed;
  placed.spec.name = name;
  if (!dtype.is_string()) return broken("has a dtype that is not text");
  const auto known = dtype_from_string(dtype.get<std::string>());
  if (!known) return broken("has an element type that Atoll does not know");
  placed.spec.dtype = *known;
  if (!shape.is_array()) return broken("has a shape that is not a list");
  for (const auto& extent : shape) {
    if (!extent.is_number_unsigned() || extent.get<uint64_t>() > Manifest::kMaxBytes)
      return broken("has a bad extent");
    placed.spec.shape.push_back(extent.get<int64_t>());
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    return broken("has data_offsets that are not two numbers");
  }
  placed.begin = offsets[0].get<uint64_t>();
  placed.end = offsets[1].get<uint64_t>();
  return placed;
}

Result<Json> read_header(const File& file, uint64_t size, uint64_t& data_start) {
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
  // The parser keeps the last of two equal keys in silence; names that appear twice are refused
  // here.
  bool twice = false;
  std::vector<std::map<std::string, int>> keys;
  auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty())
      twice = twice || ++keys.back()[value.get<std::string>()] > 1;
    return true;
  };
  auto header = Json::parse(text, watch, false);
  if (header.is_discarded() || !header.is_object())
    return bad(path, "its header is not a JSON object");
  if (twice) return bad(path, "a name appears twice in its header");
  return header;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  ATOLL_ASSIGN(auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  SafetensorsFile out(std::move(file));
  ATOLL_ASSIGN(auto header, read_header(out.file_, size, out.data_start_));

  std::vector<Placed> placed;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) return bad(path, "its metadata is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) return bad(path, "metadata \"" + key + "\" is not text");
        out.metadata_[key] = value.get<std::string>();
      }
      continue;
    }
    ATOLL_ASSIGN(auto tensor, parse_tensor(path, name, entry));
    placed.push_back(std::move(tensor));
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });

  std::vector<TensorSpec> specs;
  std::unordered_map<std::string, std::pair<uint64_t, uint64_t>> ranges;
  uint64_t next = 0;
  for (auto& tensor : placed) {
    auto role = out.metadata_.find("role:" + tensor.spec.name);
    if (role != out.metadata_.end()) {
      auto known = role_from_string(role->second);
      if (!known)
        return bad(path,
                   "tensor \"" + tensor.spec.name + "\" has the unknown role " + role->second);
      tensor.spec.role = *known;
    }
    if (tensor.begin != next || tensor.end < tensor.begin) {
      return bad(path, "tensor \"" + tensor.spec.name + "\" overlaps another or leaves a hole");
    }
    next = tensor.end;
    ranges[tensor.spec.name] = {tensor.begin, tensor.end};
    specs.push_back(tensor.spec);
  }
  if (next != size - out.data_start_) {
    return bad(path, next > size - out.data_start_ ? "it ends early"
                                                   : "it has bytes after its last tensor");
  }
  auto manifest = Manifest::make(std::move(specs));
  if (!manifest) return bad(path, manifest.error().message());
  out.manifest_ = std::move(manifest).value();
  for (const auto& spec : out.manifest_.tensors()) {
    const auto [begin, end] = ranges[spec.name];
    if (spec.bytes() != end - begin)
      return bad(path, "tensor \"" + spec.name + "\" has a length that does not fit its shape");
    out.file_offsets_.push_back(begin);
    out.flat_ = out.flat_ && (spec.bytes() == 0 || begin == spec.offset);
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

Result<Digest> write_safetensors(const std::string& path, const Manifest& manifest,
                                 Metadata metadata, const FlatSource& fill,
                                 std::string_view fault) {
  const std::string placeholder(64, '0');
  metadata["data_sha256"] = placeholder;
  Json header = Json::object();
  for (const auto& tensor : manifest.tensors())
    metadata["role:" + tensor.name] = to_string(tensor.role);
  header["__metadata__"] = metadata;
  for (const auto& tensor : manifest.tensors()) {
    header[tensor.name] = {{"dtype", to_string(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {tensor.offset, tensor.offset + tensor.bytes()}}};
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
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
