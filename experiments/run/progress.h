// Shows how a run gets on, on standard error: one line that is rewritten on a terminal, one line a
// round elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "server/context.h"

namespace atl::workbench {

// Fed with the server's events, from one thread.
class Progress {
 public:
  explicit Progress(std::FILE* out);
  void show(const server::RunEvent& event);
  // The last accuracy and loss that were reported; NaN before the first.
  double accuracy() const { return accuracy_; }
  double loss() const { return loss_; }

 private:
  void redraw(const server::RunEvent& event);
  void line(const std::string& text);
  std::string eta(const server::RunEvent& event) const;

  std::FILE* out_;
  bool terminal_;
  std::chrono::steady_clock::time_point begun_;
  uint32_t first_round_ = 0;  // of this process: a resumed run does not begin at 1
  uint32_t closed_ = 0;
  double accuracy_, loss_, train_loss_;
};

}  // namespace atl::workbench
