// The heap of a process that is to run for months in the memory that it needs.
//
// glibc gives every thread a heap of its own and keeps freed pieces of each size at hand for it. A
// server's many sizes fill those stocks slowly, and each piece holds a page: resident memory creeps
// up by some 10 bytes a round, for 20,000 rounds. Elsewhere than on glibc these do nothing.
#pragma once

namespace atl {

// One heap for all threads, and no stocks. They are settings of a process's first moment, so this
// starts the program again in the same process, with GLIBC_TUNABLES set; where that is set already,
// it stays as it is. First thing in main().
void begin_with_a_frugal_heap(char** argv);

// Pages without anything in them go back to the system. Cheap where there are few.
void give_back_empty_pages();

}  // namespace atl
