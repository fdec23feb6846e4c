// What happens to links beside loss and delay: cuts in the middle of a transfer, a NAT that forgets
// connections while a client trains, a server that vanishes without a word.
#pragma once

#include "experiments/bench/network/cells.h"
#include "experiments/bench/network/plain_tcp.h"

namespace atl::bench {

struct SceneResult {
  std::string problem;  // empty: complete, and the model is the undisturbed run's
  double seconds = 0;
  size_t reconnects = 0;
  size_t forgotten = 0;  // packets of connections that the NAT had forgotten
  // Bytes of whole IP packets, acknowledgements too, that arrived while the disturbed model or
  // update was under way, over its size; 0 where none was.
  double moved = 0;
};

struct Scene {
  std::string name;
  bool is_cut = false;  // the server goes on, so the transfer resumes
  // Seconds: of the undisturbed run, the disturbance, and one retry interval.
  double allowed = 0;
  std::function<Result<SceneResult>(const Stage&, References&)> play;
};
// In the short form those that are over within a minute.
std::vector<Scene> scenes(bool short_form);

}  // namespace atl::bench
