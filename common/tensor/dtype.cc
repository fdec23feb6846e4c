#include "common/tensor/dtype.h"

namespace atl {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
};
constexpr Entry kTypes[] = {{DType::kF32, "F32"},   {DType::kF64, "F64"}, {DType::kF16, "F16"},
                            {DType::kBF16, "BF16"}, {DType::kI64, "I64"}, {DType::kI32, "I32"},
                            {DType::kU8, "U8"}};

}  // namespace

std::string_view to_string(DType dtype) {
  for (const auto& entry : kTypes) {
    if (entry.dtype == dtype) return entry.name;
  }
  return "?";
}

std::optional<DType> dtype_from_string(std::string_view name) {
  for (const auto& entry : kTypes) {
    if (entry.name == name) return entry.dtype;
  }
  return std::nullopt;
}

std::optional<DType> dtype_from_wire(uint32_t number) {
  for (const auto& entry : kTypes) {
    if (static_cast<uint32_t>(entry.dtype) == number) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace atl
