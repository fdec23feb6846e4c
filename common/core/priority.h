// How much of the processor a thread gets when there is not enough for all.
#pragma once

namespace atl {

// For the calling thread alone: 0 as the others, up to 19 for what the others leave (nice(2); each
// step is about a fifth less). More than it had is not to be had without privileges: ignored then.
void set_nice_of_this_thread(int nice);

}  // namespace atl
