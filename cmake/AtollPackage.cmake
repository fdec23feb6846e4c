# `cpack`: Debian packages of the server and of the client. docs/install.md
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME atoll)
set(CPACK_PACKAGE_CONTACT "the maintainers of Atoll <atoll@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL server)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)  # xz takes minutes for LibTorch
set(CPACK_THREADS 0)  # as many as there are cores
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

# atoll_package(KEY FOLDER DESCRIPTION): KEY as cpack names a component or a group; FOLDER below cmake/package: scripts
function(atoll_package key folder description)
  string(TOUPPER ${key} key)
  set(scripts postinst prerm postrm)
  list(TRANSFORM scripts PREPEND ${CMAKE_SOURCE_DIR}/cmake/package/${folder}/)
  foreach(setting "NAME;atoll-${folder}" "SECTION;net" "DEPENDS;adduser" "CONTROL_EXTRA;${scripts}" "CONTROL_STRICT_PERMISSION;ON")
    list(POP_FRONT setting name)
    set(CPACK_DEBIAN_${key}_PACKAGE_${name} "${setting}" PARENT_SCOPE)
  endforeach()
  set(CPACK_DEBIAN_${key}_DESCRIPTION "${description}" PARENT_SCOPE)
endfunction()

atoll_package(server server "Federated learning: aggregation server
 Clients train on data that stay with them; this server combines their
 updates, over mutual TLS, and never runs a model itself.")
if(ATOLL_WITH_TORCH)
  # The program and LibTorch's libraries are one package: no distribution has the version that fits.
  list(APPEND CPACK_COMPONENTS_ALL client torch)
  set(CPACK_COMPONENT_CLIENT_GROUP trainer)
  set(CPACK_COMPONENT_TORCH_GROUP trainer)
  set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/package/own_libraries.cmake)
  atoll_package(trainer client "Federated learning: client
 Trains a model on data that stay on this machine, and sends updates to an
 aggregation server over mutual TLS. Contains the CPU half of LibTorch.")
endif()
include(CPack)
