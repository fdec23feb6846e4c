#include "experiments/inspect/tensor_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "common/numeric/half.h"

namespace atl::workbench {
namespace {

constexpr size_t kPiece = 1 << 20;

template <typename T>
void convert(ByteView bytes, std::vector<double>& out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<double>(value);
  }
}

void to_doubles(DType dtype, ByteView bytes, std::vector<double>& out) {
  out.resize(bytes.size() / size_of(dtype));
  switch (dtype) {
    case DType::kF32:
      return convert<float>(bytes, out);
    case DType::kF64:
      return convert<double>(bytes, out);
    case DType::kI64:
      return convert<int64_t>(bytes, out);
    case DType::kI32:
      return convert<int32_t>(bytes, out);
    case DType::kU8:
      return convert<uint8_t>(bytes, out);
    case DType::kF16:
    case DType::kBF16: {
      std::vector<uint16_t> words(out.size());
      std::memcpy(words.data(), bytes.data(), bytes.size());
      std::vector<float> wide(out.size());
      widen(dtype, words, wide);
      std::copy(wide.begin(), wide.end(), out.begin());
      return;
    }
  }
}

}  // namespace

void StatisticsMaker::add(std::span<const double> values) {
  long double sum = 0, squares = 0;
  uint64_t finite = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      ++(std::isnan(value) ? counts_.nans : counts_.infinities);
      continue;
    }
    if (counts_.finite + finite == 0) counts_.min = counts_.max = value;
    counts_.min = std::min(counts_.min, value);
    counts_.max = std::max(counts_.max, value);
    ++finite;
    sum += value;
    squares += static_cast<long double>(value) * value;
  }
  if (finite == 0) return;
  const auto n = static_cast<long double>(finite), m = static_cast<long double>(counts_.finite);
  const long double mean = sum / n;
  long double deviations = 0;
  for (const double value : values) {
    if (std::isfinite(value)) deviations += (value - mean) * (value - mean);
  }
  const long double delta = mean - mean_;
  deviations_ += deviations + delta * delta * (m * n / (m + n));
  mean_ += delta * (n / (m + n));
  squares_ += squares;
  counts_.finite += finite;
}

TensorStatistics StatisticsMaker::finish() const {
  auto out = counts_;
  if (out.finite == 0) return out;
  out.mean = static_cast<double>(mean_);
  out.std = static_cast<double>(std::sqrt(deviations_ / static_cast<long double>(out.finite)));
  out.norm = static_cast<double>(std::sqrt(squares_));
  return out;
}

Result<TensorStatistics> measure(const SafetensorsFile& file, const TensorSpec& tensor) {
  StatisticsMaker maker;
  Bytes piece;
  std::vector<double> values;
  for (uint64_t done = 0; done < tensor.bytes(); done += piece.size()) {
    piece.resize(std::min<uint64_t>(kPiece, tensor.bytes() - done));
    ATOLL_TRY(file.read_flat(tensor.offset + done, piece));
    to_doubles(tensor.dtype, piece, values);
    maker.add(values);
  }
  return maker.finish();
}

}  // namespace atl::workbench
