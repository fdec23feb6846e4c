# Imported targets for LibTorch as unpacked by ./atoll (or -DATOLL_TORCH=FOLDER, the folder that holds include/ and lib/).
# find_package(Torch) of the official wheel fails without a CUDA toolkit, so the targets are our own.
set(ATOLL_TORCH "" CACHE PATH "LibTorch 2.11: the folder with include/ and lib/")
if(NOT ATOLL_TORCH AND EXISTS ${CMAKE_SOURCE_DIR}/.deps/torch/lib/libtorch_cpu.so)
  set(ATOLL_TORCH ${CMAKE_SOURCE_DIR}/.deps/torch)
endif()
if(NOT EXISTS ${ATOLL_TORCH}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch was not found. Run ./atoll build, which fetches it, or configure with -DATOLL_TORCH=FOLDER "
    "(the folder with include/ and lib/), or with -DATOLL_WITH_TORCH=OFF to build the server alone.")
endif()
add_library(atoll_torch INTERFACE)
target_include_directories(atoll_torch SYSTEM INTERFACE ${ATOLL_TORCH}/include ${ATOLL_TORCH}/include/torch/csrc/api/include)
target_link_directories(atoll_torch INTERFACE ${ATOLL_TORCH}/lib)
target_link_libraries(atoll_torch INTERFACE torch_cpu c10)
target_link_options(atoll_torch INTERFACE -Wl,-rpath,${ATOLL_TORCH}/lib -Wl,--allow-shlib-undefined)
