// Line: one JSON object as text, built in a fixed buffer without allocating, so that a signal
// handler can do it too. What does not fit is left out, and the object stays well-formed.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace atl::flight {

class Line {
 public:
  Line() { put('{'); }

  void number(std::string_view key, uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    const auto length = static_cast<size_t>(end - digits);
    if (begin(key, length)) put(std::string_view(digits, length));
  }
  // Bytes that are not printable ASCII become \u00XX: no terminal obeys what a peer sent.
  void text(std::string_view key, std::string_view value) {
    if (!begin(key, 2)) return;
    put('"');
    for (const char c : value) {
      if (size_ + 8 > kText) break;
      put_escaped(c);
    }
    put('"');
  }
  // Seconds with six digits.
  void seconds(std::string_view key, uint64_t microseconds) {
    if (!begin(key, 28)) return;
    char digits[20];
    put(std::string_view(
        digits, static_cast<size_t>(
                    std::to_chars(digits, digits + sizeof(digits), microseconds / 1'000'000).ptr -
                    digits)));
    put('.');
    put_padded(microseconds % 1'000'000, 6);
  }
  // "2026-01-31T08:15:00.123456Z"; microseconds since 1970.
  void time(std::string_view key, uint64_t microseconds) {
    if (!begin(key, 30)) return;
    put('"');
    put_time(microseconds);
    put('"');
  }
  // The whole line, with its line break. The last call.
  std::string_view finish() {
    text_[size_++] = '}';
    text_[size_++] = '\n';
    return {text_.data(), size_};
  }

 private:
  static constexpr size_t kText = 1020;

  bool begin(std::string_view key, size_t more) {
    if (size_ + key.size() + more + 5 > kText) return false;
    if (size_ > 1) put(',');
    put('"');
    put(key);
    put("\":");
    return true;
  }
  void put(char c) { text_[size_++] = c; }
  void put(std::string_view text) { size_ += text.copy(text_.data() + size_, text.size()); }
  void put_padded(uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i, value /= 10)
      text_[size_ + static_cast<size_t>(i)] = static_cast<char>('0' + value % 10);
    size_ += static_cast<size_t>(digits);
  }
  void put_escaped(char c) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') return put(c);
    put("\\u00");
    put(kHex[byte >> 4]);
    put(kHex[byte & 15]);
  }
  // Days to a date as in H. Hinnant, "chrono-compatible low-level date algorithms",
  // civil_from_days; gmtime() is nothing for a signal handler.
  void put_time(uint64_t microseconds) {
    const uint64_t seconds = microseconds / 1'000'000;
    const uint64_t days = seconds / 86'400 + 719'468;
    const uint64_t era = days / 146'097, day_of_era = days % 146'097;
    const uint64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const uint64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint64_t month = (5 * day_of_year + 2) / 153;  // from March on
    put_padded(year_of_era + era * 400 + (month >= 10 ? 1 : 0), 4);
    put('-');
    put_padded(month < 10 ? month + 3 : month - 9, 2);
    put('-');
    put_padded(day_of_year - (153 * month + 2) / 5 + 1, 2);
    put('T');
    put_padded(seconds / 3'600 % 24, 2);
    put(':');
    put_padded(seconds / 60 % 60, 2);
    put(':');
    put_padded(seconds % 60, 2);
    put('.');
    put_padded(microseconds % 1'000'000, 6);
    put('Z');
  }

  std::array<char, 1024> text_;
  size_t size_ = 0;
};

}  // namespace atl::flight
