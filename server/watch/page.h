// The status page's files, as they were when the server was built (server/watch/page, and the
// distribution's Chart.js).
#pragma once

#include <span>
#include <string_view>

namespace atl::server {

struct PageFile {
  std::string_view path, type, content;  // "/page.js", "text/javascript", ...
};
std::span<const PageFile> page_files();

}  // namespace atl::server
