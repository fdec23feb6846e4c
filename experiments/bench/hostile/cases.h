// The hostile cases, as a table of data: what an attacker does, how far an honest client would have
// come before it, and how the server has to answer. One file a kind of attack.
#pragma once

#include <string>
#include <vector>

#include "experiments/bench/hostile/intruder.h"

namespace atl::bench {

// How far the intruder goes as an honest client would, before it turns.
enum class Stage {
  kNothing,    // not even a connection
  kTcp,        // connected
  kStranger,   // TLS without a certificate
  kCertified,  // TLS with a certificate of the federation
  kGreeted,    // hello, welcome
  kJoined,     // join, joined
  kWorking,    // in the cohort of the open round
  kGranted     // an update is offered, and asked for
};

// Which server it is done to.
enum class Scene {
  kFederation,  // honest clients are training
  kEmpty,       // nobody has joined, there is no model: what is accepted there disturbs nobody
};

struct Case {
  const char* name;
  Stage stage;
  Verdict expected;
  const char* says;  // part of what is told; "" for anything
  Verdict (*act)(Intruder&);
  bool slow = false;  // a time limit is what ends it: shown to take its time, not to take part
  Scene scene = Scene::kFederation;
};

inline Verdict refused(wire::Reason reason) {
  return {Verdict::Kind::kRefused, static_cast<int>(reason), ""};
}
inline Verdict outcome(wire::Reason reason) {
  return {Verdict::Kind::kOutcome, static_cast<int>(reason), ""};
}
inline Verdict alert(int number) { return {Verdict::Kind::kAlert, number, ""}; }
inline Verdict accepted() { return {Verdict::Kind::kAccepted, 0, ""}; }
inline Verdict answered() { return {Verdict::Kind::kAnswered, 0, ""}; }
inline Verdict closed() { return {Verdict::Kind::kClosed, 0, ""}; }

std::vector<Case> frame_cases();
std::vector<Case> message_cases();
std::vector<Case> manifest_cases();
std::vector<Case> update_cases();
std::vector<Case> identity_cases();
std::vector<Case> flood_cases();
std::vector<Case> all_cases();

// Goes to the stage and acts; the verdict, or "not there" with how far it came.
Verdict perform(const Ground& ground, const Case& one, const std::string& name);

// Protobuf by hand: what no encoder of Atoll's would write.
Bytes field(uint64_t number, uint64_t value);
Bytes field(uint64_t number, ByteView body);
Bytes text_field(uint64_t number, std::string_view text);
Bytes operator+(Bytes a, const Bytes& b);
Bytes raw_header(uint32_t length, unsigned kind = 1, unsigned version = 1, unsigned reserved = 0);

}  // namespace atl::bench
