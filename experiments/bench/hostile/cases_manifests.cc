// Models that cannot be, or are not the run's.
#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

using wire::Reason;

struct Tensor {
  std::string name = "w";
  uint64_t dtype = 1, role = 2;  // F32, linear_weight
  std::vector<uint64_t> shape{4};
};
Bytes described(const Tensor& tensor) {
  Bytes all = text_field(1, tensor.name) + field(2, tensor.dtype);
  for (const uint64_t extent : tensor.shape) all = all + field(3, extent);
  return field(1, all + field(4, tensor.role));
}
Verdict join(Intruder& x, const std::vector<Tensor>& tensors) {
  Bytes all;
  for (const auto& tensor : tensors) all = all + described(tensor);
  x.say_raw(field(3, ByteView(all)));
  return x.verdict();
}
Verdict join(Intruder& x, std::vector<TensorSpec> tensors) {
  auto manifest = Manifest::make(std::move(tensors));
  if (!manifest) return closed();
  x.say(wire::Join{*manifest});
  return x.verdict();
}
// The run's manifest, with one tensor changed.
Verdict join_changed(Intruder& x, void (*change)(std::vector<TensorSpec>&)) {
  auto tensors = x.ground().manifest.tensors();
  change(tensors);
  return join(x, std::move(tensors));
}
// `count` different tensors of one element, 10 bytes each on the wire.
Bytes tiny_tensors(size_t count, char first = 't') {
  Bytes all;
  all.reserve(20 * count);
  for (size_t i = 0; i < count; ++i) {
    const auto one = field(1, text_field(1, first + std::to_string(i)) + field(2, uint64_t{1}) +
                                  field(4, uint64_t{2}));
    all.insert(all.end(), one.begin(), one.end());
  }
  return field(3, ByteView(all));
}

}  // namespace

std::vector<Case> manifest_cases() {
  const auto unexpected = refused(Reason::kUnexpected);
  const auto mismatch = refused(Reason::kModelMismatch);
  constexpr auto kGreeted = Stage::kGreeted;
  return {
      {"shape whose product overflows", kGreeted, unexpected, "is too large",
       [](Intruder& x) {
         return join(x, {Tensor{.shape = {1ull << 32, 1ull << 32, 1ull << 32}}});
       }},
      {"shape of 2^62 elements", kGreeted, unexpected, "is too large",
       [](Intruder& x) { return join(x, {Tensor{.shape = {1ull << 62}}}); }},
      {"two tensors of 2^43 bytes and one more", kGreeted, unexpected, "2^44",
       [](Intruder& x) {
         return join(x, {Tensor{"a", 1, 2, {1ull << 41}}, Tensor{"b", 1, 2, {1ull << 41}},
                         Tensor{"c", 1, 2, {1}}});
       }},
      {"negative extent", kGreeted, unexpected, "negative extent",
       [](Intruder& x) {
         return join(x, {Tensor{.shape = {4, ~0ull}}});
       }},
      {"9 dimensions", kGreeted, unexpected, "more than 8 dimensions",
       [](Intruder& x) {
         return join(x, {Tensor{.shape = {1, 1, 1, 1, 1, 1, 1, 1, 1}}});
       }},
      {"10,000 dimensions", kGreeted, unexpected, "description is too long",
       [](Intruder& x) { return join(x, {Tensor{.shape = std::vector<uint64_t>(10'000, 1)}}); }},
      {"element type 99", kGreeted, unexpected, "join.dtype is unknown: 99",
       [](Intruder& x) { return join(x, {Tensor{.dtype = 99}}); }},
      {"element type 0", kGreeted, unexpected, "join.dtype is unknown: 0",
       [](Intruder& x) { return join(x, {Tensor{.dtype = 0}}); }},
      {"role 99", kGreeted, unexpected, "join.role is unknown: 99",
       [](Intruder& x) { return join(x, {Tensor{.role = 99}}); }},
      {"a name twice", kGreeted, unexpected, "appears twice",
       [](Intruder& x) {
         return join(x, {Tensor{}, Tensor{}});
       }},
      {"the name __metadata__", kGreeted, unexpected, "metadata",
       [](Intruder& x) { return join(x, {Tensor{.name = "__metadata__"}}); }},
      {"a tensor's name that is not UTF-8", kGreeted, unexpected, "malformed",
       [](Intruder& x) { return join(x, {Tensor{.name = "\xc3\x28"}}); }},
      {"a tensor's name with a path", kGreeted, unexpected, "characters other than",
       [](Intruder& x) { return join(x, {Tensor{.name = "../../checkpoints/x"}}); }},
      {"a tensor's name with control characters", kGreeted, unexpected, "characters other than",
       [](Intruder& x) { return join(x, {Tensor{.name = "a\n\x1b[31m"}}); }},
      {"a tensor without a name", kGreeted, unexpected, "wrong length",
       [](Intruder& x) { return join(x, {Tensor{.name = ""}}); }},
      {"a tensor's name of 257 letters", kGreeted, unexpected, "wrong length",
       [](Intruder& x) { return join(x, {Tensor{.name = std::string(257, 'n')}}); }},
      {"a model of no tensors", kGreeted, mismatch, "(none)",
       [](Intruder& x) { return join(x, std::vector<Tensor>{}); }},
      {"a tensor missing", kGreeted, mismatch, "(none)",
       [](Intruder& x) {
         return join_changed(x, [](std::vector<TensorSpec>& all) { all.pop_back(); });
       }},
      {"a tensor too many", kGreeted, mismatch, "extra",
       [](Intruder& x) {
         return join_changed(x, [](std::vector<TensorSpec>& all) {
           all.push_back(all.back());
           all.back().name = "extra";
         });
       }},
      {"another shape", kGreeted, mismatch, "F32",
       [](Intruder& x) {
         return join_changed(x, [](std::vector<TensorSpec>& all) { all.front().shape = {3}; });
       }},
      {"the same elements in another shape", kGreeted, mismatch, "F32",
       [](Intruder& x) {
         return join_changed(x, [](std::vector<TensorSpec>& all) {
           all.front().shape.insert(all.front().shape.begin(), 1);
         });
       }},
      {"another element type of the same size", kGreeted, mismatch, "I32",
       [](Intruder& x) {
         return join_changed(x,
                             [](std::vector<TensorSpec>& all) { all.front().dtype = DType::kI32; });
       }},
      {"another role", kGreeted, mismatch, "embedding",
       [](Intruder& x) {
         return join_changed(
             x, [](std::vector<TensorSpec>& all) { all.front().role = Role::kEmbedding; });
       }},
      {"10^6 tiny tensors, of a run that has its model", kGreeted, unexpected, "at most 1048576",
       [](Intruder& x) {
         x.say_raw(tiny_tensors(1'000'000));
         return x.verdict();
       }},
      {"900,000 tiny tensors, of a run without a model, and 900,000 others", kGreeted,
       refused(Reason::kBusy), "too many manifests",
       [](Intruder& x) {
         wire::Message answer;
         x.say_raw(tiny_tensors(900'000, 'a'));
         if (!x.hear(answer) || !std::holds_alternative<wire::Joined>(answer)) return x.verdict();
         Intruder other(x.ground());
         other.arrive_with_certificate(x.name() + "-other");
         other.greet();
         other.say_raw(tiny_tensors(900'000, 'b'));
         return other.verdict();
       },
       false, Scene::kEmpty},
      {"10^6 + 1 tiny tensors, of a run without a model", kGreeted, unexpected, "too many tensors",
       [](Intruder& x) {
         x.say_raw(tiny_tensors(1'000'001));
         return x.verdict();
       },
       false, Scene::kEmpty},
      {"32 million empty tensors, of a run without a model", kGreeted, unexpected,
       "too many tensors",
       [](Intruder& x) {
         Bytes body(60u << 20);
         for (size_t i = 0; i < body.size(); i += 2) body[i] = std::byte{0x0a};
         x.say_raw(field(3, ByteView(body)));
         return x.verdict();
       },
       false, Scene::kEmpty},
  };
}

}  // namespace atl::bench
