# Run by cpack before a package is closed: the packed client takes LibTorch from the package, not from where it was built.
set(client ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/trainer${CPACK_PACKAGING_INSTALL_PREFIX}/bin/atoll-client)
if(NOT EXISTS ${client})
  message(FATAL_ERROR "There is no ${client} to pack")
endif()
file(RPATH_SET FILE ${client} NEW_RPATH "$ORIGIN/../lib/atoll")
