// Safetensors files: a file that opens can be read to its end in pieces, and what is written from
// it is the same model.
#include "common/tensor/safetensors.h"

#include "tests/fuzz/scratch.h"
#include "tests/support/tensors.h"

namespace atl::fuzz {
namespace {

Bytes read_in_pieces(const SafetensorsFile& file, size_t size) {
  Bytes all(file.manifest().total_bytes());
  for (size_t offset = 0; offset < all.size(); offset += size) {
    const auto piece = MutableByteView(all).subspan(offset, std::min(size, all.size() - offset));
    ATOLL_CHECK(file.read_flat(offset, piece).ok(), "the data are there");
  }
  return all;
}

void check_written(const ScratchFolder& folder, const SafetensorsFile& file, const Bytes& flat) {
  const auto path = folder.file("written");
  const auto digest = write_safetensors(path, file.manifest(), file.metadata(), flat);
  ATOLL_CHECK(digest.ok(), "every manifest can be written");
  const auto again = SafetensorsFile::open(path);
  ATOLL_CHECK(again.ok(), "and opened");
  ATOLL_CHECK(again->is_flat(), "in flat order");
  ATOLL_CHECK(again->manifest().tensors() == file.manifest().tensors(), "the same tensors");
  ATOLL_CHECK(again->verify().ok() && *digest == sha256(flat), "the right hash");
  ATOLL_CHECK(read_in_pieces(*again, 1 << 20) == flat, "the same data");
  for (const auto& [key, value] : file.metadata()) {
    if (key != "data_sha256") ATOLL_CHECK(again->metadata().at(key) == value, "the same metadata");
  }
}

void run(ByteView input) {
  static const ScratchFolder folder;
  const auto path = folder.put("input", input);
  const auto file = SafetensorsFile::open(path);
  if (!file) {
    ATOLL_CHECK(file.error().code() == ErrorCode::kModel, "the file's fault");
    return;
  }
  ATOLL_CHECK(file->manifest().total_bytes() < input.size(), "bounded by the file");
  const auto flat = read_in_pieces(*file, 1 << 20);
  ATOLL_CHECK(read_in_pieces(*file, 7) == flat, "however it is cut");
  (void)file->verify();
  check_written(folder, *file, flat);
}

Bytes raw(std::string_view header, std::string_view data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return bytes_of_text(file.append(header).append(data));
}

std::vector<Bytes> seeds() {
  using testing::spec;
  const ScratchFolder folder;
  const auto manifest =
      Manifest::make({spec("a.weight", DType::kF32, {3, 5}, Role::kConvWeight),
                      spec("n.num_batches", DType::kI64, {}, Role::kNormCount),
                      spec("none", DType::kF64, {4, 0}, Role::kEmbedding),
                      spec("h", DType::kBF16, {7}, Role::kHeadWeight), spec("u", DType::kU8, {3})})
          .value();
  const auto path = folder.file("seed");
  ATOLL_CHECK(
      write_safetensors(path, manifest, {{"round", "7"}}, Bytes(manifest.total_bytes())).ok(),
      "a seed");
  return {
      bytes_of_text(read_text(path).value()),
      raw("{}", ""),
      raw(R"({"__metadata__":{"format":"pt","role:w":"linear_weight"},)"
          R"("b":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
          R"("w":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},)"
          R"("e":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}} )",
          "123456789012"),
      raw(R"({"a":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"},"a":{}})", "1"),
      raw(R"({"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4],"more":[{"x":null},1.5]}})",
          "1234"),
      raw("[[[[{\"a\":[", ""),
  };
}

const Registration registration({"safetensors", run, seeds});

}  // namespace
}  // namespace atl::fuzz
