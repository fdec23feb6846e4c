#include "server/store/upload.h"

#include <algorithm>
#include <cstring>

namespace atl::server {
namespace {

// Exponent fields at and above these stand for |x| >= 2^40, infinity and NaN. float16 cannot reach
// 2^40.
template <typename Word>
inline __attribute__((always_inline)) Word largest_exponent(ByteView bytes, int mantissa_bits,
                                                            Word exponent_mask) {
  Word worst = 0;
  const size_t count = bytes.size() / sizeof(Word);
  const std::byte* data = bytes.data();
  for (size_t i = 0; i < count; ++i) {
    Word word;
    std::memcpy(&word, data + i * sizeof(Word), sizeof(Word));
    const Word exponent = static_cast<Word>((word >> mantissa_bits) & exponent_mask);
    worst = std::max(worst, exponent);
  }
  return worst;
}
// Every update passes here while it arrives: wider registers where the machine has them.
template <typename Word>
__attribute__((target("avx512f,avx512bw,avx512vl"))) Word largest_exponent_avx512(
    ByteView bytes, int mantissa_bits, Word exponent_mask) {
  return largest_exponent(bytes, mantissa_bits, exponent_mask);
}
template <typename Word>
bool any_at_or_above(ByteView bytes, int mantissa_bits, Word exponent_mask, Word limit) {
  static const bool wide = __builtin_cpu_supports("avx512f") &&
                           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  const Word worst = wide ? largest_exponent_avx512(bytes, mantissa_bits, exponent_mask)
                          : largest_exponent(bytes, mantissa_bits, exponent_mask);
  return worst >= limit;
}

// A negative variance comes from no data, and would make NaN of every activation behind it.
template <typename Word>
bool any_negative(ByteView bytes) {
  constexpr Word kSign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
  for (size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + i, sizeof(Word));
    if (word > kSign) return true;  // the sign's bit alone is minus zero
  }
  return false;
}

bool is_bad(DType dtype, Role role, ByteView bytes) {
  // Squares of running means enter the pooled variance, so they and variances have tighter ranges
  // (PooledMoments).
  if (role == Role::kNormVar && is_float(dtype)) {
    const size_t width = size_of(dtype);
    if (width == 8   ? any_negative<uint64_t>(bytes)
        : width == 4 ? any_negative<uint32_t>(bytes)
                     : any_negative<uint16_t>(bytes))
      return true;
  }
  const uint32_t power = role == Role::kNormMean ? 19 : role == Role::kNormVar ? 38 : 40;
  switch (dtype) {
    case DType::kF32:
      return any_at_or_above<uint32_t>(bytes, 23, 0xff, 127 + power);
    case DType::kF64:
      return any_at_or_above<uint64_t>(bytes, 52, 0x7ff, 1023 + 40);
    case DType::kBF16:
      return any_at_or_above<uint16_t>(bytes, 7, 0xff, 127 + 40);
    case DType::kF16:
      return any_at_or_above<uint16_t>(bytes, 10, 0x1f, 0x1f);
    default:
      return false;
  }
}

}  // namespace

std::optional<std::string> first_bad_tensor(const Manifest& manifest, uint64_t offset,
                                            ByteView bytes) {
  const auto& tensors = manifest.tensors();
  const uint64_t end = offset + bytes.size();
  for (size_t i = manifest.first_at(offset); i < tensors.size() && tensors[i].offset < end; ++i) {
    const uint64_t from = std::max(offset, tensors[i].offset);
    const uint64_t to = std::min(end, tensors[i].offset + tensors[i].bytes());
    if (to > from &&
        is_bad(tensors[i].dtype, tensors[i].role, bytes.subspan(from - offset, to - from)))
      return tensors[i].name;
  }
  return std::nullopt;
}

Result<std::unique_ptr<Upload>> Upload::create(std::shared_ptr<Spool> spool,
                                               std::shared_ptr<const Manifest> manifest,
                                               const Digest& expected) {
  ATOLL_ASSIGN(auto file, spool->take());
  return std::unique_ptr<Upload>(
      new Upload(std::move(spool), std::move(file), std::move(manifest), expected));
}

Result<std::optional<Refusal>> Upload::append(uint64_t offset, ByteView bytes) {
  using R = std::optional<Refusal>;
  if (offset != received_) {
    return R({wire::Reason::kWrongSize, "a piece begins at byte " + std::to_string(offset) +
                                            ", expected " + std::to_string(received_)});
  }
  if (bytes.size() > manifest_->total_bytes() - received_) {
    return R({wire::Reason::kWrongSize, "more bytes than the model has"});
  }
  if (bytes.size() % 8 != 0 && received_ + bytes.size() != manifest_->total_bytes()) {
    return R(
        {wire::Reason::kWrongSize, "a piece that is not the last must be a multiple of 8 bytes"});
  }
  if (auto tensor = first_bad_tensor(*manifest_, offset, bytes)) {
    return R({wire::Reason::kNotFinite,
              "tensor " + *tensor + " holds NaN, infinity or a value out of its range"});
  }
  ATOLL_TRY(file_.write_at(offset, bytes));
  hash_.update(bytes);
  received_ += bytes.size();
  return R();
}

std::optional<Refusal> Upload::finish() {
  if (!complete()) return Refusal{wire::Reason::kWrongSize, "the update ended early"};
  if (!found_) found_ = hash_.finish();
  if (*found_ != expected_) {
    return Refusal{wire::Reason::kWrongHash,
                   "the bytes received do not have the hash that was offered"};
  }
  return std::nullopt;
}

}  // namespace atl::server
