// What a person names to the doctor: a server's folder, a client's, a run file.
#pragma once

#include <string>
#include <vector>

#include "client/enroll.h"
#include "experiments/doctor/findings.h"
#include "experiments/doctor/machine.h"
#include "server/admin/folder.h"

namespace atl::workbench {

// Reads and connects; changes nothing. Each turns the findings to its path first.
void check_server(Findings& findings, const server::ServerFolder& folder, net::WallTime now);
// `servers`: folders at hand whose lists of revoked certificates are asked.
void check_client(Findings& findings, const client::ClientFolder& folder,
                  const std::vector<server::ServerFolder>& servers, const TorchFacts& torch,
                  net::WallTime now);
void check_run_file(Findings& findings, const std::string& path, const TorchFacts& torch);

// A key that others can read is a problem, one that the group can read a warning.
void check_secret(Findings& findings, const std::string& path);

}  // namespace atl::workbench
