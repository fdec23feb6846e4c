#include "server/audit/chain.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/audit/audit_log.h"

namespace atl::server {
namespace {

// Lines are bounded (audit_log.cc), so this holds many.
constexpr uint64_t kTail = 64 << 10;

}  // namespace

namespace chain {

std::optional<Link> parse(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto seq = json.find("seq"), prev = json.find("prev"), cut = json.find("cut");
  if (seq == json.end() || !seq->is_number_unsigned() || prev == json.end() || !prev->is_string())
    return std::nullopt;
  Link link{seq->get<uint64_t>(), prev->get<std::string>(), ""};
  if (cut != json.end() && cut->is_string()) link.cut = cut->get<std::string>();
  return link;
}

Result<Tail> read_tail(const File& file) {
  Tail tail;
  ATOLL_ASSIGN(tail.size, file.size());
  for (uint64_t length = std::min(tail.size, kTail); length > 0;
       length = std::min(tail.size, 4 * length)) {
    std::string text(length, '\0');
    ATOLL_TRY(file.read_at(tail.size - length, std::as_writable_bytes(std::span(text))));
    // Backwards, line by line, to the last one that is whole. What begins before the piece that was
    // read cannot be judged.
    for (size_t end = text.size(); end > 0;) {
      const bool open = text[end - 1] != '\n';
      const size_t stop = open ? end : end - 1;
      const size_t before = stop == 0 ? std::string::npos : text.rfind('\n', stop - 1);
      if (before == std::string::npos && length < tail.size) break;
      const size_t begin = before == std::string::npos ? 0 : before + 1;
      const auto line = std::string_view(text).substr(begin, stop - begin);
      if (auto link = parse(line)) {
        tail.seq = link->seq;
        tail.prev = hash_of(line);
        tail.open = open;
        tail.cut = text.substr(end);
        return tail;
      }
      end = begin;
    }
    if (length == tail.size) {
      tail.cut = std::move(text);
      return tail;
    }
  }
  return tail;
}

}  // namespace chain

Result<AuditSummary> verify_audit_log(const std::string& path,
                                      const std::function<void(const std::string&)>& line,
                                      const std::string& head) {
  ATOLL_ASSIGN(const auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  AuditSummary sum;
  sum.head = chain::beginning();
  bool met = head.empty();
  uint64_t number = 0, seq = 0, cut_at = 0;
  std::string cut;
  const auto bad = [&path](uint64_t at, const std::string& why) {
    return Error(ErrorCode::kIo, path + ":" + std::to_string(at) + ": " + why)
        .hint("lines before it are as they were written; compare it with a copy of the log");
  };
  // One line at a time, so that a log of any length can be read.
  std::string text;
  for (uint64_t offset = 0; offset < size || !text.empty();) {
    size_t end = text.find('\n');
    if (end == std::string::npos && offset < size) {
      const size_t have = text.size();
      text.resize(have + std::min<uint64_t>(256 << 10, size - offset));
      auto fresh = std::as_writable_bytes(std::span(text)).subspan(have);
      ATOLL_TRY(file.read_at(offset, fresh));
      offset += fresh.size();
      continue;
    }
    const bool open = end == std::string::npos;
    const std::string one = text.substr(0, end);
    text.erase(0, open ? std::string::npos : end + 1);
    ++number;
    const auto link = chain::parse(one);
    if (!link) {
      if (cut.empty()) cut_at = number;
      cut += one + (open ? "" : "\n");
      if (open) {
        sum.unfinished = true;
        cut.clear();
      }
      continue;
    }
    if (!cut.empty()) {
      if (link->cut != chain::hash_of(cut)) return bad(cut_at, "this is not a line of the log");
      ++sum.cuts;
      cut.clear();
    } else if (!link->cut.empty()) {
      return bad(number, "it marks a line as cut off, and there is none");
    }
    if (link->seq != seq + 1) {
      return bad(number, "its number is " + std::to_string(link->seq) + ", not " +
                             std::to_string(seq + 1) + ": a line is missing or out of place");
    }
    if (link->prev != sum.head) {
      return number == 1
                 ? bad(1, "it is not the first line that was written")
                 : bad(number - 1, "it was changed: the next line holds another hash of it");
    }
    seq = link->seq;
    sum.head = chain::hash_of(one);
    met = met || sum.head == head;
    ++sum.lines;
    if (line) line(one);
  }
  if (!cut.empty()) return bad(cut_at, "this is not a line of the log");
  if (!met)
    return bad(number, "no line has the hash " + head + ": the log was shortened or written anew");
  return sum;
}

}  // namespace atl::server
