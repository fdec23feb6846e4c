#include "server/door.h"

namespace atl::server {

Door::Place::Place(Door& door, net::Session& session) : door_(door), session_(session) {
  ++door_.arrived_;
  if (door_.sessions_ >= door_.limits.sessions) return;
  admitted_ = waiting_ = true;
  ++door_.sessions_;
  if (session.peer().authenticated) name_ = session.peer().name;
  auto& others = door_.waiting_[name_];
  const size_t most = name_.empty() ? door_.limits.strangers : door_.limits.of_one_name;
  at_ = others.insert(others.end(), this);
  if (others.size() > most) others.front()->make_go();
}

Door::Place::~Place() {
  leave();
  hold(0);
  if (admitted_) --door_.sessions_;
}

void Door::Place::make_go() {
  leave();
  session_.close();
}

void Door::Place::joined() { leave(); }

void Door::Place::leave() {
  if (!std::exchange(waiting_, false)) return;
  const auto found = door_.waiting_.find(name_);
  found->second.erase(at_);
  if (found->second.empty()) door_.waiting_.erase(found);
}

bool Door::Place::hold(uint64_t bytes) {
  if (bytes > held_ && !door_.has_room_for(bytes - held_)) return false;
  *door_.held_ = *door_.held_ - held_ + bytes;
  held_ = bytes;
  return true;
}

std::shared_ptr<const Manifest> Door::share(Manifest manifest) {
  std::erase_if(manifests_, [](const auto& entry) { return entry.second.expired(); });
  const auto known = manifests_.find(manifest.digest());
  if (known != manifests_.end()) return known->second.lock();
  const uint64_t bytes = memory_of(manifest);
  if (!has_room_for(bytes)) return nullptr;
  *held_ += bytes;
  const auto give_back = [held = held_, bytes](const Manifest* one) {
    *held -= bytes;
    delete one;
  };
  std::shared_ptr<const Manifest> shared(new Manifest(std::move(manifest)), give_back);
  manifests_[shared->digest()] = shared;
  return shared;
}

uint64_t memory_of(const Manifest& manifest) {
  uint64_t bytes = 0;
  for (const auto& tensor : manifest.tensors())
    bytes += sizeof(TensorSpec) + tensor.name.size() + tensor.shape.size() * sizeof(int64_t) + 32;
  return bytes;
}

}  // namespace atl::server
