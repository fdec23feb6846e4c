// Manifests from a peer: the flat layout that comes out is whole, and survives the way back.
//
// Input: a serialized pb::Join.
#include "common/wire/convert.h"
#include "common/wire/message.h"
#include "tests/fuzz/target.h"
#include "tests/support/tensors.h"

namespace atl::fuzz {
namespace {

void check_layout(const Manifest& manifest) {
  uint64_t offset = 0;
  size_t width = 8, index = 0;
  for (const auto& tensor : manifest.tensors()) {
    ATOLL_CHECK(tensor.offset == offset, "end to end");
    ATOLL_CHECK(size_of(tensor.dtype) <= width, "wide elements first");
    width = size_of(tensor.dtype);
    ATOLL_CHECK(offset % width == 0, "aligned");
    if (tensor.bytes() > 0) {
      ATOLL_CHECK(manifest.first_at(offset) == index, "found by its first byte");
      ATOLL_CHECK(manifest.first_at(offset + tensor.bytes() - 1) == index, "and by its last");
    }
    offset += tensor.bytes();
    ++index;
  }
  ATOLL_CHECK(offset == manifest.total_bytes(), "nothing else");
  ATOLL_CHECK(offset <= Manifest::kMaxBytes, "bounded");
  ATOLL_CHECK(manifest.first_at(offset) == index, "nothing behind the end");
}

void run(ByteView input) {
  wire::pb::Join join;
  if (!join.ParseFromArray(input.data(), static_cast<int>(input.size()))) return;
  auto manifest = wire::from_pb(join);
  if (!manifest) {
    ATOLL_CHECK(manifest.error().code() == ErrorCode::kProtocol, "the peer's fault");
    ATOLL_CHECK(manifest.error().message().size() < 4096, "a bounded text");
    return;
  }
  check_layout(*manifest);
  const auto back = wire::decode(wire::encode(wire::Join{*manifest}));
  ATOLL_CHECK(back.ok(), "what was encoded decodes");
  const auto& again = std::get<wire::Join>(*back).manifest;
  ATOLL_CHECK(again.tensors() == manifest->tensors(), "the same tensors");
  ATOLL_CHECK(again.digest() == manifest->digest(), "the same digest");
  ATOLL_CHECK(Manifest::describe_difference(again, *manifest) == "no difference", "none");
  (void)Manifest::describe_difference(again, Manifest());
}

Bytes serialized(std::vector<TensorSpec> tensors) {
  wire::pb::Join join;
  wire::to_pb(Manifest::make(std::move(tensors)).value(), join);
  return bytes_of_text(join.SerializeAsString());
}

std::vector<Bytes> seeds() {
  using testing::spec;
  return {serialized({}),
          serialized({spec("fc.weight", DType::kF32, {10, 84}, Role::kHeadWeight),
                      spec("bn.num_batches", DType::kI64, {}, Role::kNormCount)}),
          serialized({spec("u", DType::kU8, {3}), spec("h", DType::kBF16, {7}),
                      spec("d", DType::kF64, {4, 0}), spec("f", DType::kF16, {1, 2, 3}),
                      spec("i", DType::kI32, {1, 1, 1, 1, 1, 1, 1, 2})}),
          serialized({spec("huge", DType::kU8, {1 << 22, 1 << 22}, Role::kEmbedding)})};
}

const Registration registration({"manifests", run, seeds});

}  // namespace
}  // namespace atl::fuzz
