// The desk of a server's folder: redeems tokens, signs and renews with the folder's authority.
#pragma once

#include <memory>

#include "server/admin/folder.h"
#include "server/admission/config.h"

namespace atl::server {

std::unique_ptr<EnrolmentDesk> make_enrolment_desk(const ServerFolder& folder,
                                                   const AdmissionConfig& config = {});

}  // namespace atl::server
