#include "experiments/report/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace atl::workbench {
namespace {

TEST(Text, EscapesWhatHtmlReads) {
  EXPECT_EQ(escape_html("<script>\"a\" & 'b'</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
  EXPECT_EQ(escape_html("é → 漢 😀\n\t"), "é → 漢 😀\n\t");
}

TEST(Text, ReplacesBytesThatAreNoText) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escape_html(std::string("a\0b\x1b", 4)), "a" + bad + "b" + bad);
  EXPECT_EQ(escape_html("\xC0\xBC"), bad + bad) << "an overlong <";
  EXPECT_EQ(escape_html("\xED\xA0\x80"), bad + bad + bad) << "half of a surrogate pair";
  EXPECT_EQ(escape_html("x\xE2\x82"), "x" + bad + bad) << "a character that is cut";
}

TEST(Text, PrintsNumbersAsPeopleReadThem) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(60000), "60,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.00 kB");
  EXPECT_EQ(human_bytes(98'400'000), "98.4 MB");
  EXPECT_EQ(human_bytes(999'900'000), "1.00 GB");
  EXPECT_EQ(human_seconds(0.416), "0.42 s");
  EXPECT_EQ(human_seconds(41.31), "41.3 s");
  EXPECT_EQ(human_seconds(125), "2 min 05 s");
  EXPECT_EQ(human_seconds(3725), "1 h 02 min");
  EXPECT_EQ(percent(0.9131), "91.31 %");
  EXPECT_EQ(compact(1.5e-7), "1.5e-07");
  for (double value : {NAN, INFINITY, -INFINITY}) {
    EXPECT_EQ(fixed(value, 2), "–");
    EXPECT_EQ(compact(value), "–");
    EXPECT_EQ(human_bytes(value), "–");
    EXPECT_EQ(human_seconds(value), "–");
  }
}

TEST(Text, SortsNumbersInNames) {
  EXPECT_TRUE(natural_less("client-2", "client-10"));
  EXPECT_FALSE(natural_less("client-10", "client-2"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("client", "client-1"));
  EXPECT_FALSE(natural_less("same-7", "same-7"));
  EXPECT_NE(natural_less("x-01", "x-1"), natural_less("x-1", "x-01")) << "a strict order";
}

TEST(Text, CutsAndPadsBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc…");
  EXPECT_EQ(shortened("a漢", 3), "a…");
  EXPECT_EQ(padded("é", 3), "é  ");
  EXPECT_EQ(padded("12", 4, true), "  12");
}

TEST(Text, TerminalNeverSeesControlCharacters) {
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a?[2J??");
  EXPECT_EQ(printable("\xC2\x9B"), "?") << "the one-character form of ESC [";
  EXPECT_EQ(printable("漢 ▁"), "漢 ▁");
}

}  // namespace
}  // namespace atl::workbench
