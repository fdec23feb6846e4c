// Words and numbers as a person reads them, for pages and terminals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace atl::workbench {

// Text for HTML, safe in an element and in a quoted attribute: & < > " ' become entities, control
// characters (but line break and tab) and bytes that are not UTF-8 become U+FFFD.
std::string escape_html(std::string_view text);

std::string with_commas(uint64_t count);        // 60,000
std::string fixed(double value, int decimals);  // 0.9131; "–" when not finite
std::string compact(double value,
                    int digits = 4);        // significant digits, no trailing zeros: 1.5e-07
std::string human_bytes(double bytes);      // 98.4 MB (units of 1,000)
std::string human_seconds(double seconds);  // 0.42 s, 41.3 s, 2 min 05 s, 1 h 02 min
std::string percent(double fraction);       // 91.31 %

// "client-2" before "client-10": runs of digits compare as numbers.
bool natural_less(std::string_view a, std::string_view b);

// The first `limit` bytes, cut between characters, with "…" where something is missing.
std::string shortened(std::string_view text, size_t limit);

// Characters that a terminal shows (continuation bytes of UTF-8 do not count).
size_t shown_width(std::string_view text);
// Text filled with spaces to a width; `right`: spaces go before it.
std::string padded(std::string_view text, size_t width, bool right = false);
// Rows of equally many fields in columns, two spaces apart; those from the `left`-th on are set to
// the right. Each row ends with a line break.
std::string aligned(const std::vector<std::vector<std::string>>& rows, size_t left);
// Text from a file, for a terminal: control characters become "?".
std::string printable(std::string_view text);

}  // namespace atl::workbench
