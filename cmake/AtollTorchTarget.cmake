# Atoll::torch, from LibTorch as unpacked by ./atoll: for this build, and for one against an installed Atoll. find_package(Torch)
# of the official wheel fails without a CUDA toolkit, so the targets are our own.
#   atoll_torch_target(FOLDER CUDA)   FOLDER holds include/ and lib/; CUDA: with the GPU half, for which CUDA::cudart must be there
#   atoll_torch_version(FOLDER OUT)   "2.11.0"; empty where FOLDER is no LibTorch
function(atoll_torch_version folder out)
  set(version "")
  set(header ${folder}/include/torch/headeronly/version.h)
  if(EXISTS ${folder}/lib/libtorch_cpu.so AND EXISTS ${header})
    file(STRINGS ${header} line REGEX "^ *\"[0-9.]+\"")
    string(REGEX MATCH "[0-9.]+" version "${line}")
  endif()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

function(atoll_torch_target folder cuda)
  if(TARGET Atoll::torch)
    return()
  endif()
  file(REAL_PATH ${folder}/lib libraries)  # an installed program finds it there although a checkout is gone
  foreach(library torch_cpu c10)
    add_library(Atoll::${library} SHARED IMPORTED GLOBAL)
    set_target_properties(Atoll::${library} PROPERTIES IMPORTED_LOCATION ${libraries}/lib${library}.so)
  endforeach()
  add_library(Atoll::torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(Atoll::torch SYSTEM INTERFACE ${folder}/include ${folder}/include/torch/csrc/api/include)
  target_link_libraries(Atoll::torch INTERFACE Atoll::torch_cpu Atoll::c10)
  target_link_options(Atoll::torch INTERFACE -Wl,--allow-shlib-undefined)
  if(cuda)
    # The linker would drop libtorch_cuda, which nothing names and which registers itself when it is loaded.
    target_link_directories(Atoll::torch INTERFACE ${libraries})
    target_link_libraries(Atoll::torch INTERFACE -Wl,--push-state,--no-as-needed torch_cuda c10_cuda -Wl,--pop-state CUDA::cudart)
    target_compile_definitions(Atoll::torch INTERFACE ATOLL_WITH_CUDA)
  endif()
endfunction()
