message(STATUS "Atoll ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE}, LibTorch ${ATOLL_WITH_TORCH}, fault points ${ATOLL_FAULTS}, sanitizers '${ATOLL_SANITIZE}'")
