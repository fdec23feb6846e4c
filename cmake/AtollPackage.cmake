# `cmake --install`, and `cpack`: a Debian package of the server. docs/install.md
include(GNUInstallDirs)
# Installing and packing take what is built, and build nothing.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# A program with its manual page and its completion, both from its own table of options.
function(atoll_install target component)
  install(TARGETS ${target} RUNTIME COMPONENT ${component})
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
endfunction()

atoll_install(atoll-server server)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/package/atoll-server.service DESTINATION lib/systemd/system COMPONENT server)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/atoll-server RENAME copyright COMPONENT server)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME atoll)
set(CPACK_PACKAGE_CONTACT "the maintainers of Atoll <atoll@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL server)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME atoll-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_COMPONENT_SERVER_DESCRIPTION "Federated learning: aggregation server
 Clients train on data that stay with them; this server combines their
 updates, over mutual TLS, and never runs a model itself.")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/cmake/package/server/postinst;${CMAKE_SOURCE_DIR}/cmake/package/server/prerm;${CMAKE_SOURCE_DIR}/cmake/package/server/postrm)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
