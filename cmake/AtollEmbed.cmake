# atoll_embed(TARGET FILE): FILE's text as a string literal that a source of TARGET includes, as "NAME.inc". Programs then run
# without a folder beside them.
function(atoll_embed target file)
  file(READ ${file} text)
  cmake_path(GET file FILENAME name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  file(CONFIGURE OUTPUT ${folder}/${name}.inc CONTENT "R\"atoll_file(@text@)atoll_file\"\n" @ONLY)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
