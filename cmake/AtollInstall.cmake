# `cmake --install`: the programs, and the rooms as libraries for programs of one's own. docs/install.md, docs/own_model.md
#   components  server client workbench   programs, each with its manual page and its completion
#               development               headers, libraries, the CMake package, the example
#               torch                     LibTorch's shared libraries into lib/atoll; only when it is asked for by name
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
# Installing and packing take what is built, and build nothing.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# atoll_install(TARGET COMPONENT [ARGUMENTS of install(TARGETS)]): a program with its manual page and its completion, both from
# its own table of options.
function(atoll_install target component)
  install(TARGETS ${target} ${ARGN} RUNTIME COMPONENT ${component})
  set(man ${CMAKE_BINARY_DIR}/package/${target}.1.gz)
  set(completion ${CMAKE_BINARY_DIR}/package/${target}.bash)
  add_custom_command(OUTPUT ${man} ${completion}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/package
    COMMAND sh -c "$<TARGET_FILE:${target}> describe man | gzip -9n >${man}"
    COMMAND sh -c "$<TARGET_FILE:${target}> describe bash >${completion}"
    DEPENDS ${target} VERBATIM)
  add_custom_target(${target}-described ALL DEPENDS ${man} ${completion})
  install(FILES ${man} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${component})
  install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${target}
    COMPONENT ${component})
  install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${target} RENAME copyright
    COMPONENT ${component})
endfunction()

# A program that finds LibTorch where the component torch puts it, else where this build found it.
function(atoll_install_with_torch target component)
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/atoll" INSTALL_RPATH_USE_LINK_PATH ON)
  atoll_install(${target} ${component} ${ARGN})
endfunction()

# atoll_libraries(SET ROOM=NAME...): the component SET of find_package(Atoll) has Atoll::NAME.
function(atoll_libraries set)
  foreach(pair IN LISTS ARGN)
    string(REGEX MATCH "^(.*)=(.*)$" pair ${pair})
    set(room ${CMAKE_MATCH_1})
    set_target_properties(${room} PROPERTIES EXPORT_NAME ${CMAKE_MATCH_2})
    target_include_directories(${room} INTERFACE $<INSTALL_INTERFACE:include> $<INSTALL_INTERFACE:include/atoll>)
    install(TARGETS ${room} EXPORT atoll-${set} ARCHIVE DESTINATION lib COMPONENT development)
  endforeach()
  install(EXPORT atoll-${set} NAMESPACE Atoll:: DESTINATION lib/cmake/Atoll COMPONENT development)
endfunction()

atoll_install(atoll-server server)
install(FILES cmake/package/atoll-server.service DESTINATION lib/systemd/system COMPONENT server)

atoll_libraries(core atoll_control=control atoll_common=common atoll_client_room=client_core)
set(ATOLL_COMPONENTS core)
set(headers common client)
if(ATOLL_WITH_TORCH)
  atoll_install_with_torch(atoll-client client RUNTIME_DEPENDENCY_SET atoll_torch)
  install(FILES cmake/package/atoll-client@.service DESTINATION lib/systemd/system COMPONENT client)
  install(PROGRAMS cmake/package/client/atoll-client-enroll DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT client)
  atoll_install_with_torch(atoll workbench)
  set(kernels "")
  if(ATOLL_CUDA_BUILT)
    set(kernels atoll_kernels_cuda=kernels_cuda)
  endif()
  atoll_libraries(client atoll_models=models ${kernels} atoll_client_torch=client atoll_client_main=client_main)
  atoll_libraries(workbench atoll_verbs_room=verbs atoll_server_room=server_core atoll_data_room=data atoll_report_room=report
    atoll_run_room=run atoll_doctor_room=doctor
    atoll_fl_normalization_room=fl_normalization atoll_bench_room=bench atoll_workbench=workbench
    atoll_workbench_main=workbench_main)
  list(APPEND ATOLL_COMPONENTS client workbench)
  list(APPEND headers models)
  install(FILES ${CMAKE_SOURCE_DIR}/experiments/workbench/workbench_main.h
    DESTINATION include/atoll/experiments/workbench COMPONENT development)
  # What the client loads from LibTorch's folder, and nothing of the system.
  file(REAL_PATH ${ATOLL_TORCH} ATOLL_TORCH_FOUND)
  install(RUNTIME_DEPENDENCY_SET atoll_torch
    POST_INCLUDE_REGEXES "^${ATOLL_TORCH_FOUND}/" POST_EXCLUDE_REGEXES ".*"
    LIBRARY DESTINATION lib/atoll COMPONENT torch EXCLUDE_FROM_ALL)
  # Who hands LibTorch on hands its terms on.
  install(FILES ${ATOLL_TORCH}/licenses/LICENSE ${ATOLL_TORCH}/licenses/NOTICE OPTIONAL
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/atoll-client/libtorch COMPONENT torch EXCLUDE_FROM_ALL)
else()
  atoll_install(atoll workbench)
endif()

# Headers that need more than the CMake package promises stay at home, and a folder without any.
install(DIRECTORY ${headers} DESTINATION include/atoll COMPONENT development FILES_MATCHING PATTERN "*.h"
  PATTERN models/vision EXCLUDE PATTERN common/cli EXCLUDE PATTERN common/config/toml.h EXCLUDE PATTERN common/wire/convert.h EXCLUDE)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/AtollConfig.cmake.in ${CMAKE_BINARY_DIR}/package/AtollConfig.cmake
  INSTALL_DESTINATION lib/cmake/Atoll NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/AtollConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/AtollConfig.cmake ${CMAKE_BINARY_DIR}/package/AtollConfigVersion.cmake
  cmake/AtollAsio.cmake cmake/AtollTorchTarget.cmake DESTINATION lib/cmake/Atoll COMPONENT development)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/atoll-dev RENAME copyright COMPONENT development)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/atoll-dev COMPONENT development)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/atoll-dev COMPONENT development)
