# Language level, warnings and sanitizers, for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(ATOLL_CCACHE ccache)
if(ATOLL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ATOLL_CCACHE})
endif()

# Designated initializers leave members at their defaults on purpose.
set(ATOLL_WARNINGS -Wall -Wextra -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's coroutine frames have their own allocator; with optimisation g++ 12 takes that for a mismatch. Its -Wrestrict
  # fires on the standard library's own string concatenation (GCC bug 105651).
  list(APPEND ATOLL_WARNINGS -Wno-mismatched-new-delete -Wno-restrict)
endif()

# Contraction to fused multiply-adds would make results depend on the compiler's choices.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)

if(ATOLL_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ takes what a sanitizer puts in for a use before a value was given.
  list(APPEND ATOLL_WARNINGS -Wno-maybe-uninitialized)
endif()
if(ATOLL_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's fences, which ThreadSanitizer does not model; they are not what orders its data.
  list(APPEND ATOLL_WARNINGS -Wno-tsan)
endif()

if(ATOLL_SANITIZE)
  add_compile_options(-fsanitize=${ATOLL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ATOLL_SANITIZE})
endif()

# atoll_room(NAME DEPENDS ... [FOLDERS ...] [EXCLUDE ...]): one static library from every .cc of the calling folder (or of
# the named ones in it) and below, main.cc apart.
function(atoll_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;FOLDERS;EXCLUDE" ${ARGN})
  set(sources "")
  if(NOT ROOM_FOLDERS)
    set(ROOM_FOLDERS .)
  endif()
  foreach(folder IN LISTS ROOM_FOLDERS)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  foreach(pattern IN LISTS ROOM_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  if(NOT sources)  # a room without sources only passes on what it stands on
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ROOM_DEPENDS})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_compile_options(${name} PRIVATE ${ATOLL_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ROOM_DEPENDS})
endfunction()

# atoll_program(NAME LIBRARY SOURCE): build/PRESET/bin/NAME
function(atoll_program name library source)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${library})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# atoll_main(NAME LIBRARY): the calling folder's main() as a library, for programs outside.
function(atoll_main name library)
  add_library(${name} STATIC main.cc)
  target_link_libraries(${name} PUBLIC ${library})
endfunction()
