// From a book to lines of JSON. Included by the .cc files of common/flight only.
#pragma once

#include "common/flight/book.h"

namespace atl::flight {

// Takes a line. A plain function, because a signal handler calls it.
struct Sink {
  void (*take)(void* to, std::string_view line);
  void* to;
};
struct Heading {
  std::string_view cause, why;
};

// FOLDER/20260131T081500Z-PID-NUMBER-CAUSE.jsonl
std::string dump_path(const std::string& folder, Cause cause, uint64_t number);

// Everything that `which` picks, in the order described by docs/flight.md; without it, everything.
// Allocates nothing.
void write_lines(const Book& book, const Heading& heading,
                 const std::function<bool(const Log&)>* which, Sink sink);

}  // namespace atl::flight
