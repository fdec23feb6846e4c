// What a program tells the supervisor that started it (systemd, sd_notify(3)).
#pragma once

#include <string>

namespace atl {

// "READY=1", "STOPPING=1", "STATUS=round 3 of 10": to the socket that $NOTIFY_SOCKET names. Nothing
// happens where nobody listens; never blocks.
void tell_supervisor(const std::string& state);

}  // namespace atl
