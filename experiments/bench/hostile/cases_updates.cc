// Updates that would spoil a model, and transfers that are none.
#include <cmath>
#include <cstring>

#include "common/core/transfer_hash.h"
#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

using wire::Reason;

// The place of a tensor's first value in the flat bytes.
uint64_t place_of(const Manifest& manifest, Role role) {
  for (const auto& tensor : manifest.tensors()) {
    if (tensor.role == role) return tensor.offset;
  }
  return 0;
}
Bytes with_value(const Manifest& manifest, uint64_t offset, float value) {
  auto flat = good_update(manifest);
  std::memcpy(flat.data() + offset, &value, sizeof(value));
  return flat;
}
void send_from(Intruder& x, ByteView flat, uint64_t offset) {
  while (offset < flat.size()) {
    const auto piece =
        flat.subspan(offset, std::min<size_t>(wire::kChunkSize, flat.size() - offset));
    if (!x.chunk(x.grant.transfer, offset, piece)) return;
    offset += piece.size();
  }
}
// An update under its right hash.
Verdict upload(Intruder& x, const Bytes& flat) {
  if (!x.offer(flat)) return x.verdict();
  send_from(x, flat, 0);
  return x.verdict();
}
Verdict upload_with(Intruder& x, Role role, float value) {
  const auto& manifest = x.ground().manifest;
  return upload(x, with_value(manifest, place_of(manifest, role), value));
}
// The last value: it comes with the last piece, when the rest has been taken.
Verdict upload_with_last(Intruder& x, float value) {
  const auto& manifest = x.ground().manifest;
  return upload(x, with_value(manifest, manifest.total_bytes() - sizeof(float), value));
}
Verdict offer_only(Intruder& x, const wire::Offer& offer) {
  x.say(offer);
  return x.verdict();
}
Verdict offer_in_round(Intruder& x, uint32_t round) {
  return offer_only(x, offer_of(round, good_update(x.ground().manifest)));
}
// Alone in a run of its own: initializes it, and is in its first round.
bool begin_alone(Intruder& x) {
  return x.work() && x.offer(good_update(x.ground().manifest)) &&
         (send_from(x, good_update(x.ground().manifest), 0), true) &&
         x.verdict().kind == Verdict::Kind::kAccepted && x.work();
}

}  // namespace

std::vector<Case> update_cases() {
  constexpr auto kWorking = Stage::kWorking, kGranted = Stage::kGranted;
  const auto not_finite = outcome(Reason::kNotFinite);
  const auto wrong_place = refused(Reason::kWrongSize);
  return {
      {"NaN in an update", kWorking, not_finite, "tensor body.weight",
       [](Intruder& x) { return upload_with(x, Role::kLinearWeight, NAN); }},
      {"NaN in the last value", kWorking, not_finite, "out of its range",
       [](Intruder& x) { return upload_with_last(x, -NAN); }},
      {"+infinity in an update", kWorking, not_finite, "tensor body.weight",
       [](Intruder& x) { return upload_with(x, Role::kLinearWeight, INFINITY); }},
      {"-infinity in an update", kWorking, not_finite, "tensor body.weight",
       [](Intruder& x) { return upload_with(x, Role::kLinearWeight, -INFINITY); }},
      {"2^40 in an update", kWorking, not_finite, "tensor body.weight",
       [](Intruder& x) { return upload_with(x, Role::kLinearWeight, 0x1p40f); }},
      {"-3e38 in an update", kWorking, not_finite, "tensor body.weight",
       [](Intruder& x) { return upload_with(x, Role::kLinearWeight, -3e38f); }},
      {"a negative variance", kWorking, not_finite, "norm.running_var",
       [](Intruder& x) { return upload_with(x, Role::kNormVar, -1e-9f); }},
      {"a running mean of 2^20", kWorking, not_finite, "norm.running_mean",
       [](Intruder& x) { return upload_with(x, Role::kNormMean, 0x1p20f); }},
      {"another hash than was offered", kGranted, outcome(Reason::kWrongHash), "hash",
       [](Intruder& x) {
         send_from(x, with_value(x.ground().manifest, 0, 0.5f), 0);
         return x.verdict();
       }},
      {"one bit flipped in a chunk's data", kGranted, outcome(Reason::kWrongHash), "hash",
       [](Intruder& x) {
         auto flat = good_update(x.ground().manifest);
         flat[flat.size() / 2] ^= std::byte{1};
         send_from(x, flat, 0);
         return x.verdict();
       }},
      {"one bit flipped in a chunk's transfer", kGranted, wrong_place, "not of this transfer",
       [](Intruder& x) {
         x.chunk(x.grant.transfer ^ 4, 0, Bytes(64));
         return x.verdict();
       }},
      {"one bit flipped in a chunk's offset", kGranted, outcome(Reason::kWrongSize), "begins at",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         x.chunk(x.grant.transfer, 8, ByteView(flat).first(64));
         send_from(x, flat, 64);
         return x.verdict();
       }},
      {"a chunk at byte 2^63", kGranted, outcome(Reason::kWrongSize), "begins at",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         x.chunk(x.grant.transfer, 1ull << 63, ByteView(flat).first(64));
         send_from(x, flat, 64);
         return x.verdict();
       }},
      {"chunks out of order", kGranted, outcome(Reason::kWrongSize), "begins at",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         x.chunk(x.grant.transfer, 64, ByteView(flat).subspan(64, 64));
         x.chunk(x.grant.transfer, 0, ByteView(flat).first(64));
         send_from(x, flat, 128);
         return x.verdict();
       }},
      {"chunks that overlap", kGranted, outcome(Reason::kWrongSize), "begins at",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         x.chunk(x.grant.transfer, 0, ByteView(flat).first(128));
         x.chunk(x.grant.transfer, 64, ByteView(flat).subspan(64, 128));
         send_from(x, flat, 256);
         return x.verdict();
       }},
      {"a chunk without data", kGranted, wrong_place, "empty or too long",
       [](Intruder& x) {
         x.chunk(x.grant.transfer, 0, {});
         return x.verdict();
       }},
      {"a chunk that is no multiple of 8", kGranted, outcome(Reason::kWrongSize), "multiple of 8",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         x.chunk(x.grant.transfer, 0, ByteView(flat).first(60));
         send_from(x, flat, 60);
         return x.verdict();
       }},
      {"more bytes than the model has", kGranted, wrong_place, "empty or too long",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         const uint64_t most = flat.size() - 64;
         send_from(x, ByteView(flat).first(most), 0);
         x.chunk(x.grant.transfer, most, Bytes(72));
         return x.verdict();
       }},
      {"8 MiB for a model of less", kGranted, wrong_place, "empty or too long",
       [](Intruder& x) {
         x.chunk(x.grant.transfer, 0, Bytes(8u << 20));
         return x.verdict();
       }},
      {"an update that ends half-way", kGranted, closed(), "",
       [](Intruder& x) {
         const auto flat = good_update(x.ground().manifest);
         x.chunk(x.grant.transfer, 0, ByteView(flat).first(1024));
         x.finish_writing();
         return x.verdict();
       }},
      {"an offer of too few bytes", kWorking, outcome(Reason::kWrongSize), "for a model of",
       [](Intruder& x) {
         auto flat = good_update(x.ground().manifest);
         flat.resize(flat.size() - 8);
         return offer_only(x, offer_of(x.task.round, flat));
       }},
      {"an offer of too many bytes", kWorking, outcome(Reason::kWrongSize), "for a model of",
       [](Intruder& x) {
         auto flat = good_update(x.ground().manifest);
         flat.resize(flat.size() + 8);
         return offer_only(x, offer_of(x.task.round, flat));
       }},
      {"an offer of no bytes", kWorking, outcome(Reason::kWrongSize), "of 0 bytes",
       [](Intruder& x) { return offer_only(x, offer_of(x.task.round, {})); }},
      {"an offer for round 0", kWorking, outcome(Reason::kStaleRound), "",
       [](Intruder& x) { return offer_in_round(x, 0); }},
      {"an offer for a round to come", kWorking, outcome(Reason::kStaleRound), "",
       [](Intruder& x) { return offer_in_round(x, x.task.round + 100'000); }},
      {"an offer for round 2^32-1", kWorking, outcome(Reason::kStaleRound), "",
       [](Intruder& x) { return offer_in_round(x, 0xffffffff); }},
      {"an offer twice, the second instead of chunks", kGranted, refused(Reason::kUnexpected),
       "a chunk was expected", [](Intruder& x) { return offer_in_round(x, x.task.round); }},
      {"an offer after a refusal in the same round", kWorking, outcome(Reason::kNotSelected), "",
       [](Intruder& x) {
         const auto round = x.task.round;
         const auto first = upload_with(x, Role::kLinearWeight, NAN);
         if (first.kind != Verdict::Kind::kOutcome) return first;
         const auto again = offer_in_round(x, round);
         // The round may have closed meanwhile, which the reason then says.
         return again.number == static_cast<int>(Reason::kStaleRound)
                    ? outcome(Reason::kNotSelected)
                    : again;
       }},
      {"three bad updates in a row", kWorking, refused(Reason::kQuarantined), "quarantine",
       [](Intruder& x) {
         for (int i = 0; i < 3; ++i) {
           if (i > 0 && !x.work()) return x.verdict();
           const auto one = upload_with(x, Role::kLinearWeight, NAN);
           if (one.kind != Verdict::Kind::kOutcome) return one;
         }
         if (const auto told = x.verdict(); !(told == refused(Reason::kQuarantined))) return told;
         Intruder again(x.ground());
         again.arrive_with_certificate(x.name());
         again.greet();
         return again.verdict();
       }},
      {"denormal numbers, which are honest", Stage::kJoined, accepted(), "",
       [](Intruder& x) {
         if (!begin_alone(x)) return x.verdict();
         return upload_with(x, Role::kLinearWeight, 1e-40f);
       },
       false, Scene::kEmpty},
  };
}

}  // namespace atl::bench
