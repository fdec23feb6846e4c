// Door: what sessions may cost the server before they have joined. How many there are at once, how
// long a message of theirs may take, and how many bytes all of them together may make the server
// hold. Used on the server's executor only.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "common/net/transport.h"
#include "common/tensor/manifest.h"

namespace atl::server {

// None of these is a setting: they are far above what a federation needs, and far below what a
// machine has.
struct DoorLimits {
  size_t sessions = 16'384;  // of any kind, at once
  // Without a certificate, and not yet joined. One more, and the oldest of them has to go: those
  // who mean to enrol are done within a second.
  size_t strangers = 128;
  size_t of_one_name = 4;        // with a certificate of one name, and not yet joined; likewise
  uint64_t held = 192ull << 20;  // bytes of manifests: on their way, or not (yet) the run's

  uint32_t greeting = 128u << 10;  // bytes of enrol (two PEM fit) and hello
  uint32_t control = 64u << 10;    // bytes of a message of a client that has joined
  // The first message is begun within `grace`. Any message before `joined` is whole within `grace`
  // and a second more for each `pace` bytes.
  net::Duration grace{10'000};
  uint32_t pace = 1024;
};

class Door {
 public:
  explicit Door(DoorLimits limits = {}) : limits(limits) {}
  DoorLimits limits;

  // A session's place: taken when it arrives, given back when it is destroyed.
  class Place {
   public:
    // When there are too many that have not joined, of strangers or of this name, the oldest of
    // them is ended. `session` outlives the place.
    Place(Door& door, net::Session& session);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool admitted() const { return admitted_; }  // false: too many sessions; say "busy"
    void joined();                               // it is not one of those who may have to go
    // Bytes that the server holds for this session from now on; false, and nothing changes, when
    // all sessions together would hold too many.
    bool hold(uint64_t bytes);

   private:
    void leave();
    void make_go();
    Door& door_;
    net::Session& session_;
    std::string name_;  // of the certificate; empty: a stranger
    std::list<Place*>::iterator at_;
    bool admitted_ = false, waiting_ = false;
    uint64_t held_ = 0;
  };

  // While a run has no model yet every session keeps the manifest it came with; equal ones are kept
  // once, and count once. Null when that would be too many bytes.
  std::shared_ptr<const Manifest> share(Manifest manifest);

  size_t sessions() const { return sessions_; }
  uint64_t arrived() const { return arrived_; }  // so far
  uint64_t held() const { return *held_; }

 private:
  bool has_room_for(uint64_t bytes) const {
    return *held_ <= limits.held && bytes <= limits.held - *held_;
  }
  size_t sessions_ = 0;
  uint64_t arrived_ = 0;
  std::shared_ptr<uint64_t> held_ =
      std::make_shared<uint64_t>(0);  // manifests may outlive the door
  // Not joined, by the name of the certificate, oldest first; strangers have none.
  std::map<std::string, std::list<Place*>> waiting_;
  std::map<Digest, std::weak_ptr<const Manifest>> manifests_;
};

// About what a manifest takes in memory, in bytes.
uint64_t memory_of(const Manifest& manifest);

}  // namespace atl::server
