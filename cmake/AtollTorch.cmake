# Where LibTorch is: unpacked by ./atoll, or -DATOLL_TORCH=FOLDER, the folder that holds include/ and lib/.
set(ATOLL_TORCH "" CACHE PATH "LibTorch 2.11: the folder with include/ and lib/")
if(NOT ATOLL_TORCH AND EXISTS ${CMAKE_SOURCE_DIR}/.deps/torch/lib/libtorch_cpu.so)
  set(ATOLL_TORCH ${CMAKE_SOURCE_DIR}/.deps/torch)
endif()
include(AtollTorchTarget)
atoll_torch_version("${ATOLL_TORCH}" ATOLL_TORCH_VERSION)
if(NOT ATOLL_TORCH_VERSION)
  message(FATAL_ERROR "LibTorch was not found. Run ./atoll build, which fetches it, or configure with -DATOLL_TORCH=FOLDER "
    "(the folder with include/ and lib/), or with -DATOLL_WITH_TORCH=OFF to build the server alone.")
endif()
