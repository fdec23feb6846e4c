# Atoll::asio: the headers and what they link, for this build and for one against an installed Atoll.
if(ASIO_INCLUDE AND NOT TARGET Atoll::asio)
  add_library(Atoll::asio INTERFACE IMPORTED GLOBAL)
  target_include_directories(Atoll::asio SYSTEM INTERFACE ${ASIO_INCLUDE})
  # Asio 1.22 allocates by what the headers before it told of the C library: said here, all files see one Asio.
  target_compile_definitions(Atoll::asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED ASIO_HAS_STD_ALIGNED_ALLOC=1)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Debian 12's Asio looks for the coroutines of C++20 under g++ only.
    target_compile_definitions(Atoll::asio INTERFACE ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE)
  endif()
  target_link_libraries(Atoll::asio INTERFACE Threads::Threads OpenSSL::SSL OpenSSL::Crypto)
endif()
