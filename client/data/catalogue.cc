#include "client/data/catalogue.h"

#include <array>

namespace atl::data {
namespace {

std::vector<std::string> digits_zero_to_nine() {
  return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

Source plain_file(const std::string& folder, const std::string& file, uint64_t bytes) {
  return {folder + file, "", bytes, {{"", file}}};
}

// MNIST's four files, whose names Fashion-MNIST took over.
SetEntry idx_set(std::string name, std::string title, const std::array<const char*, 4>& digests) {
  SetEntry set;
  set.name = std::move(name);
  set.title = std::move(title);
  set.format = SetFormat::kIdx;
  set.files = {{"train-images-idx3-ubyte", 47'040'016, {digests[0]}},
               {"train-labels-idx1-ubyte", 60'008, {digests[1]}},
               {"t10k-images-idx3-ubyte", 7'840'016, {digests[2]}},
               {"t10k-labels-idx1-ubyte", 10'008, {digests[3]}}};
  set.shape = {1, 28, 28};
  set.train = 60'000;
  set.test = 10'000;
  set.split = "as published";
  return set;
}

void get_idx_from(SetEntry& set, const std::string& folder, std::array<uint64_t, 4> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i)
    set.sources.push_back(plain_file(folder, set.files[i].name + ".gz", bytes[i]));
}

SetEntry mnist() {
  auto set = idx_set("mnist", "MNIST: handwritten digits, 28x28 grey",
                     {"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                      "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                      "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                      "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"});
  set.class_names = digits_zero_to_nine();
  set.mean = {0.1307F};
  set.std = {0.3081F};
  set.licence = "CC BY-SA 3.0 (LeCun, Cortes, Burges)";
  set.page = "http://yann.lecun.com/exdb/mnist/";
  get_idx_from(set, "https://ossci-datasets.s3.amazonaws.com/mnist/",
               {9'912'422, 28'881, 1'648'877, 4'542});
  return set;
}

SetEntry fashion_mnist() {
  auto set = idx_set("fashion_mnist", "Fashion-MNIST: articles of clothing, 28x28 grey",
                     {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                      "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                      "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                      "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"});
  set.class_names = {"t-shirt", "trouser", "pullover", "dress", "coat",
                     "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
  set.mean = {0.2860F};
  set.std = {0.3530F};
  set.licence = "MIT (Zalando SE)";
  set.page = "https://github.com/zalandoresearch/fashion-mnist";
  get_idx_from(set, "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
               {26'421'880, 29'515, 4'422'102, 5'148});
  return set;
}

SetEntry cifar10() {
  SetEntry set;
  set.name = "cifar10";
  set.title = "CIFAR-10: photographs of ten kinds of things, 32x32 colour";
  set.format = SetFormat::kCifar;
  // The first digest of each is that of a known rebuilt copy, in which 98 images come from JPEG;
  // the second is the original's, of which only SHA-1 is published.
  constexpr uint64_t kBytes = 30'730'000;
  set.files = {{"data_batch_1.bin",
                kBytes,
                {"0def081c410489f98b3935c2d405fc7436d23377894a5d6a710ce1fad8082588",
                 "aadd24acce27caa71bf4b10992e9e7b2d74c2540"}},
               {"data_batch_2.bin",
                kBytes,
                {"69cda47c0145e3c217e9d41887b354db05bc67d8e824a0007c909625de6c9935",
                 "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795"}},
               {"data_batch_3.bin",
                kBytes,
                {"1a4d0920ea06101641902b09fdac800cad7b5105963deee31ddff8e83fbabe6c",
                 "1dd00a74ab1d17a6e7d73e185b69dbf31242f295"}},
               {"data_batch_4.bin",
                kBytes,
                {"7f8e9534c4aa91fa34cb7cb4561b126eac16e9a5aff31f1fdb6b38d83f3b92d6",
                 "aab85764eb3584312d3c7f65fd2fd016e36a258e"}},
               {"data_batch_5.bin",
                kBytes,
                {"ace578a129b1d9695ee4254afb079a7573b408a36f818d5d96062484607c1619",
                 "26e2849e66a845b7f1e4614ae70f4889ae604628"}},
               {"test_batch.bin",
                kBytes,
                {"b7a8afae140bbcc0153185efcbd5d6b73bc11a49943288e23ba94c44c391c169",
                 "67eb016db431130d61cd03c7ad570b013799c88c"}}};
  set.shape = {3, 32, 32};
  set.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                     "dog",      "frog",       "horse", "ship", "truck"};
  set.train = 50'000;
  set.test = 10'000;
  set.split = "as published";
  set.mean = {0.4914F, 0.4822F, 0.4465F};
  set.std = {0.2470F, 0.2435F, 0.2616F};
  set.licence = "none stated; cite Krizhevsky 2009";
  set.page = "https://www.cs.toronto.edu/~kriz/cifar.html";
  Source archive{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "", 170'052'171, {}};
  for (const auto& file : set.files)
    archive.members.push_back({"cifar-10-batches-bin/" + file.name, file.name});
  set.sources = {archive};
  return set;
}

SetEntry digits() {
  SetEntry set;
  set.name = "digits";
  set.title = "Optical digits: 1,797 handwritten digits, 8x8 grey";
  set.format = SetFormat::kDigits;
  set.files = {{"digits.csv",
                264'712,
                {"6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"}}};
  set.shape = {1, 8, 8};
  set.class_names = digits_zero_to_nine();
  set.train = 1'438;
  set.test = 359;
  set.split = "rows 4, 9, 14, ... (counted from 0) are test";
  set.mean = {0.3059F};
  set.std = {0.3763F};
  set.licence = "CC BY 4.0 (UCI; Alpaydin, Kaynak 1998)";
  set.page = "https://archive.ics.uci.edu/dataset/80";
  set.sources = {{"pip:scikit-learn==1.5.2",
                  "f8b0ccd4a902836493e026c03256e8b206656f91fbcc4fde28c57a5b752561f1",
                  13'322'034,
                  {{"sklearn/datasets/data/digits.csv.gz", "digits.csv.gz"}}}};
  return set;
}

SetEntry table_set(std::string name, std::string title, std::vector<SetFile> files,
                   int64_t features, std::vector<std::string> class_names, uint64_t train,
                   uint64_t test) {
  SetEntry set;
  set.name = std::move(name);
  set.title = std::move(title);
  set.format = SetFormat::kCsv;
  set.files = std::move(files);
  set.shape = {features};
  set.class_names = std::move(class_names);
  set.train = train;
  set.test = test;
  set.split =
      set.files.size() > 1 ? "as published" : "rows 4, 9, 14, ... (counted from 0) are test";
  return set;
}

SetEntry adult() {
  auto set =
      table_set("adult", "Adult: census records of 1994; does a person earn over 50,000 dollars?",
                {{"adult.data",
                  3'974'305,
                  {"5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"}},
                 {"adult.test",
                  2'003'153,
                  {"a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05"}}},
                107, {"<=50K", ">50K"}, 32'561, 16'281);
  set.licence = "CC BY 4.0 (UCI; Becker, Kohavi 1996)";
  set.page = "https://archive.ics.uci.edu/dataset/2";
  const std::string folder = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/";
  set.sources = {plain_file(folder, "adult.data", 3'974'305),
                 plain_file(folder, "adult.test", 2'003'153)};
  return set;
}

SetEntry bank_marketing() {
  auto set = table_set("bank_marketing",
                       "Bank marketing: does a client subscribe to a deposit after a call?",
                       {{"bank-full.csv",
                         4'610'348,
                         {"d1513ec63b385506f7cfce9f2c5caa9fe99e7ba4e8c3fa264b3aaf0f849ed32d"}}},
                       50, {"no", "yes"}, 36'169, 9'042);
  set.licence = "CC BY 4.0 (UCI; Moro, Cortez, Rita 2014)";
  set.page = "https://archive.ics.uci.edu/dataset/222";
  set.sources = {{"https://archive.ics.uci.edu/ml/machine-learning-databases/00222/bank.zip",
                  "",
                  579'043,
                  {{"bank-full.csv", "bank-full.csv"}}}};
  return set;
}

SetEntry default_credit() {
  auto set = table_set("default_credit",
                       "Default of credit card clients (Taiwan 2005): is next month's payment due?",
                       {{"UCI_Credit_Card.csv",
                         2'862'995,
                         {"a0f0ab49d6326671d6cd83be5c88dcf18007025fe9a53ecd699119c871176ca1"}}},
                       33, {"0", "1"}, 24'000, 6'000);
  set.licence = "CC BY 4.0 (UCI; Yeh, Lien 2009)";
  set.page = "https://archive.ics.uci.edu/dataset/350";
  return set;
}

SetEntry wdbc() {
  auto set = table_set("wdbc", "Wisconsin diagnostic breast cancer: benign or malignant?",
                       {{"wdbc.data",
                         124'103,
                         {"d606af411f3e5be8a317a5a8b652b425aaf0ff38ca683d5327ffff94c3695f4a"}}},
                       30, {"B", "M"}, 456, 113);
  set.licence = "CC BY 4.0 (UCI; Wolberg, Mangasarian, Street, Street 1993)";
  set.page = "https://archive.ics.uci.edu/dataset/17";
  set.sources = {plain_file(
      "https://archive.ics.uci.edu/ml/machine-learning-databases/breast-cancer-wisconsin/",
      "wdbc.data", 124'103)};
  return set;
}

}  // namespace

const std::vector<SetEntry>& catalogue() {
  static const std::vector<SetEntry> sets{mnist(), fashion_mnist(),  cifar10(),        digits(),
                                          adult(), bank_marketing(), default_credit(), wdbc()};
  return sets;
}

Result<const SetEntry*> find_set(std::string_view name) {
  std::string known;
  for (const auto& set : catalogue()) {
    if (set.name == name) return &set;
    known += (known.empty() ? "" : ", ") + set.name;
  }
  return Error(ErrorCode::kUsage, "no data set is named \"" + std::string(name) + "\"")
      .hint("atoll data list (known: " + known + ")");
}

}  // namespace atl::data
