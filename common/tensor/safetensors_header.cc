#include "common/tensor/safetensors_header.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

namespace atl::safetensors {
namespace {

using Json = nlohmann::json;
constexpr size_t kMaxDimensions = 8;

// The parser's events, in the only order in which they make a header. The first false ends it.
class Reader {
 public:
  Header take() { return std::move(header_); }
  const std::string& why() const { return why_; }

  bool null() { return value({}); }
  bool boolean(bool) { return value({}); }
  bool number_integer(Json::number_integer_t) { return value({}); }
  bool number_unsigned(Json::number_unsigned_t number) { return value({.number = number}); }
  bool number_float(Json::number_float_t, const std::string&) { return value({}); }
  bool string(std::string& text) { return value({.text = &text}); }
  bool binary(Json::binary_t&) { return value({}); }

  bool start_object(size_t) {
    switch (place_) {
      case Place::kStart:
        return go(Place::kRoot);
      case Place::kRoot:
        field_ = Field::kNone;
        if (key_ == "__metadata__") return go(Place::kMetadata);
        header_.tensors.emplace_back().spec.name = key_;
        has_ = {};
        return go(Place::kTensor);
      case Place::kSkipped:
        return ++depth_, true;
      default:
        return open_wrongly();
    }
  }
  bool start_array(size_t) {
    if (place_ == Place::kSkipped) return ++depth_, true;
    if (place_ == Place::kTensor && field_ == Field::kShape) return go(Place::kShape);
    if (place_ == Place::kTensor && field_ == Field::kOffsets) return go(Place::kOffsets);
    return open_wrongly();
  }
  bool end_array() {
    if (place_ == Place::kOffsets && offsets_ != 2) return bad_value();
    return leave();
  }
  bool end_object() {
    if (place_ == Place::kTensor && !(has_.dtype && has_.shape && has_.offsets))
      return broken("lacks dtype, shape or data_offsets");
    return leave();
  }

  bool key(std::string& name) {
    switch (place_) {
      case Place::kRoot:
        key_ = name;
        return names_.insert(name).second || twice();
      case Place::kMetadata:
        key_ = name;
        return add_metadata() || twice();
      case Place::kTensor:
        return choose_field(name);
      default:
        return true;
    }
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) {
    return not_an_object();
  }

 private:
  enum class Place { kStart, kRoot, kMetadata, kTensor, kShape, kOffsets, kSkipped, kEnd };
  enum class Field { kNone, kDtype, kShape, kOffsets };
  struct Value {
    const std::string* text = nullptr;
    std::optional<uint64_t> number;
  };

  bool go(Place place) { return place_ = place, true; }
  bool fail(std::string why) { return why_ = std::move(why), false; }
  bool twice() { return fail("a name appears twice in its header"); }
  bool not_an_object() { return fail("its header is not a JSON object"); }
  bool broken(const char* what) {
    const bool inside = place_ != Place::kRoot;
    return fail("tensor \"" + (inside ? header_.tensors.back().spec.name : key_) + "\" " + what);
  }

  // Files are usually sorted by key, as Atoll's are: looking at the end first saves the search.
  bool add_metadata() {
    const size_t before = header_.metadata.size();
    said_ = header_.metadata.emplace_hint(header_.metadata.end(), key_, "");
    return header_.metadata.size() > before;
  }
  bool choose_field(const std::string& name) {
    bool* seen = nullptr;
    field_ = Field::kNone;
    if (name == "dtype") field_ = Field::kDtype, seen = &has_.dtype;
    if (name == "shape") field_ = Field::kShape, seen = &has_.shape;
    if (name == "data_offsets") field_ = Field::kOffsets, seen = &has_.offsets, offsets_ = 0;
    if (seen != nullptr && std::exchange(*seen, true)) return twice();
    return true;
  }

  // A value that is neither a list nor an object.
  bool value(const Value& value) {
    switch (place_) {
      case Place::kMetadata:
        if (value.text == nullptr) return bad_value();
        said_->second = *value.text;
        return true;
      case Place::kTensor:
        if (field_ == Field::kNone) return true;
        if (field_ != Field::kDtype || value.text == nullptr) return bad_value();
        return set_dtype(*value.text);
      case Place::kShape:
        if (!value.number || *value.number > Manifest::kMaxBytes) return bad_value();
        if (tensor().spec.shape.size() == kMaxDimensions)
          return broken("has more than 8 dimensions");
        tensor().spec.shape.push_back(static_cast<int64_t>(*value.number));
        return true;
      case Place::kOffsets:
        if (!value.number || ++offsets_ > 2) return bad_value();
        (offsets_ == 1 ? tensor().begin : tensor().end) = *value.number;
        return true;
      case Place::kSkipped:
        return true;
      default:
        return bad_value();
    }
  }
  bool set_dtype(const std::string& name) {
    const auto known = dtype_from_string(name);
    if (!known) return broken("has an element type that Atoll does not know");
    tensor().spec.dtype = *known;
    return true;
  }
  bool open_wrongly() {
    if (place_ != Place::kTensor || field_ != Field::kNone) return bad_value();
    depth_ = 1;  // a field of somebody else's
    return go(Place::kSkipped);
  }
  // Something else than what belongs here.
  bool bad_value() {
    switch (place_) {
      case Place::kRoot:
        if (key_ == "__metadata__") return fail("its metadata is not an object");
        return broken("lacks dtype, shape or data_offsets");
      case Place::kMetadata:
        return fail("metadata \"" + key_ + "\" is not text");
      case Place::kShape:
        return broken("has a bad extent");
      case Place::kOffsets:
        return broken("has data_offsets that are not two numbers");
      case Place::kTensor:
        return broken(field_ == Field::kDtype   ? "has a dtype that is not text"
                      : field_ == Field::kShape ? "has a shape that is not a list"
                                                : "has data_offsets that are not two numbers");
      default:
        return not_an_object();
    }
  }
  bool leave() {
    switch (place_) {
      case Place::kSkipped:
        return --depth_ > 0 || go(Place::kTensor);
      case Place::kShape:
      case Place::kOffsets:
        return go(Place::kTensor);
      case Place::kTensor:
      case Place::kMetadata:
        return go(Place::kRoot);
      default:
        return go(Place::kEnd);
    }
  }
  Placed& tensor() { return header_.tensors.back(); }

  Header header_;
  std::unordered_set<std::string> names_;
  Metadata::iterator said_;
  Place place_ = Place::kStart;
  Field field_ = Field::kNone;
  struct {
    bool dtype = false, shape = false, offsets = false;
  } has_;
  std::string key_, why_;
  size_t offsets_ = 0, depth_ = 0;
};

// Names of tensors need no escapes; other text may.
std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_tensor(std::string& text, const TensorSpec& tensor) {
  text.append(",\"").append(tensor.name).append("\":{\"dtype\":\"");
  text.append(to_string(tensor.dtype)).append("\",\"shape\":[");
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    text.append(i == 0 ? "" : ",").append(std::to_string(tensor.shape[i]));
  text.append("],\"data_offsets\":[").append(std::to_string(tensor.offset)).append(",");
  text.append(std::to_string(tensor.offset + tensor.bytes())).append("]}");
}

}  // namespace

Result<Header> parse_header(std::string_view text) {
  Reader reader;
  if (!Json::sax_parse(text, &reader)) return Error(ErrorCode::kModel, reader.why());
  return reader.take();
}

uint64_t header_size(const Manifest& manifest) {
  uint64_t size = 0;
  std::string text;
  for (const auto& tensor : manifest.tensors()) {
    text.clear();
    append_tensor(text, tensor);
    size += text.size() + std::string_view("\"role:\":\"\",").size() + tensor.name.size() +
            to_string(tensor.role).size();
  }
  return size;
}

std::string header_text(const Manifest& manifest, const Metadata& metadata) {
  std::string text = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata)
    text.append(text.back() == '{' ? "" : ",")
        .append(quoted(key))
        .append(":")
        .append(quoted(value));
  text += '}';
  for (const auto& tensor : manifest.tensors()) append_tensor(text, tensor);
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace atl::safetensors
