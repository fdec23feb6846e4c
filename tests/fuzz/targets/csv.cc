// CSV files, plain or packed, under any options: a table that is taken is rectangular, its classes
// and codes are in range, and every feature is a finite number.
//
// Input: four bytes of options, then the training file; after a byte 0x1c, the test file.
#include "client/data/csv.h"

#include <cmath>

#include "client/data/compressed.h"
#include "tests/fuzz/target.h"
#include "tests/support/packed.h"

namespace atl::fuzz {
namespace {

constexpr char kNextFile = 0x1c;

data::CsvOptions options_of(Choices& choices) {
  data::CsvOptions options;
  const uint8_t format = choices.byte(), use = choices.byte(), label = choices.byte();
  options.format.delimiter = (format & 1) != 0 ? ';' : ',';
  options.format.header = (format & 2) != 0;
  if ((format & 4) != 0) options.format.comment = '#';
  if ((format & 8) != 0) options.format.names = {"a", "b", "c"};
  options.standardize = (format & 16) == 0;
  if ((format & 32) != 0) options.label_suffix = ".";
  if ((format & 64) != 0) options.classes = {"x", "y"};
  if ((use & 1) != 0) options.categorical = {"0"};
  if ((use & 2) != 0) options.group = {"1"};
  if ((use & 4) != 0) options.drop = {"-2"};
  if ((use & 8) != 0) options.missing = "nan";
  options.label = (label & 128) != 0 ? "c" : std::to_string(static_cast<int>(label % 8) - 4);
  options.test_every = choices.byte() % 6;
  if (options.test_every == 1) options.test_every = 0;  // read_data_spec refuses 1
  return options;
}

void check_part(const data::Dataset& set) {
  ATOLL_CHECK(set.shape.size() == 1, "rows");
  ATOLL_CHECK(set.values.size() == set.size() * set.example_elements(), "of one length");
  for (const float value : set.values) ATOLL_CHECK(std::isfinite(value), "a finite feature");
  for (const uint32_t label : set.labels) ATOLL_CHECK(label < set.classes, "a known class");
  for (const auto& column : set.columns) {
    ATOLL_CHECK(column.codes.size() == set.size(), "a code per row");
    for (const uint32_t code : column.codes) ATOLL_CHECK(code < column.values.size(), "a value");
  }
}

void run(ByteView input) {
  Choices choices(input);
  const auto options = options_of(choices);
  const auto files = as_text(choices.rest());
  const auto end = files.find(kNextFile);
  const auto first = as_bytes(files.substr(0, end));
  const auto train = data::unpack({first.begin(), first.end()}, "train", 1 << 20);
  if (!train) return;
  const bool with_test = end != std::string_view::npos;
  const auto test = with_test ? as_bytes(files.substr(end + 1)) : ByteView();
  const auto splits = data::make_csv(*train, "train", test, with_test ? "test" : "", options);
  if (!splits) {
    const auto code = splits.error().code();
    ATOLL_CHECK(code == ErrorCode::kData || code == ErrorCode::kConfig, "said in words");
    return;
  }
  ATOLL_CHECK(splits->train->size() > 0, "something to learn from");
  check_part(*splits->train);
  check_part(*splits->test);
}

Bytes seed(std::initializer_list<int> options, std::string_view text) {
  return joined({testing::to_bytes(options), as_bytes(text)});
}

std::vector<Bytes> seeds() {
  const std::string table = "a,b,c\n1,red,x\n2.5,blue,y\n?,red,x\n-1e3,\"gr,\"\"een\",x\n4,,y\n";
  return {seed({2, 0, 128, 5}, table),
          seed({2, 0, 3, 2}, table),
          seed({6, 15, 128, 0}, "\xef\xbb\xbf# note\r\n" + table + "\x1c" + table),
          seed({8 + 1 + 32, 0, 3, 0},
               "1;2;x.\n3;4;y.\n\x1c"
               "5;6;x\n"),
          seed({16, 1, 3, 0}, "7,1e38,0\n8,1e-45,1\n9,inf,2\n"),
          seed({0, 8, 3, 3}, "nan,1,0\n1,nan,1\n2,2,1\n3,3,0\n"),
          joined({testing::to_bytes({2, 0, 128, 5}), testing::gzip(as_bytes(table))})};
}

const Registration registration({"csv", run, seeds});

}  // namespace
}  // namespace atl::fuzz
