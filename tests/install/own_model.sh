#!/bin/sh
# Atoll is installed into an empty folder, and examples/own_model is built against it from elsewhere: its model and its norm
# train in one process and in a federation of the installed server and two clients of the example's own, with the same bytes.
#   own_model.sh BIN BUILD-FOLDER
build=$(cd "$2" && pwd)
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
prefix=$here/prefix
note() { echo "$(date +%T) $*"; }
quiet() { "$@" >out.txt 2>&1 || { tail -n 30 out.txt; fail "$*"; }; }
! command -v ccache >/dev/null || export CMAKE_CXX_COMPILER_LAUNCHER=ccache
# configure FOLDER [OPTION...]: FOLDER-build, by the installed Atoll
configure() {
  folder=$1; shift
  cmake -G Ninja -S "$folder" -B "$folder-build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" "$@"
}

note "installing"
quiet cmake --install "$build" --prefix "$prefix"
bin=$prefix/bin
[ ! -e "$prefix/lib/atoll" ] || fail "LibTorch's libraries are installed without being asked for"
for program in atoll atoll-client; do
  readelf -d "$bin/$program" | grep -q "PATH.*\[[$]ORIGIN/../lib/atoll:/.*/lib\]" ||
    fail "$program has no path to LibTorch, or another: $(readelf -d "$bin/$program" | grep PATH)"
  "$bin/$program" --version >/dev/null || fail "$program does not start"
done
! readelf -d "$bin/atoll-server" | grep -q 'R.*PATH' || fail "the server has a path to LibTorch"
! grep -rIl "$root" "$prefix" || fail "the installed files above name the checkout"
digits # found by a program that has no checkout beside it

note "the example, out of tree"
cp -r "$root/examples/own_model" own_model
quiet configure own_model
quiet ninja -C own_model-build
! grep -q "$root" own_model-build/build.ninja || fail "the example's build looks into the checkout"
expect 0 'models: .* small_resnet$' own_model-build/own-client models
expect 0 'norms: .* abs ' own_model-build/own-client models
expect 0 'own-client' own_model-build/own-client --help
expect 3 'unknown model "small_resnet"; there are linear, .*' "$bin/atoll" simulate own_model/own_model.toml --out refused
grep -q 'next: .*docs/own_model.md' out.txt || fail "it does not say what to do about it: $(cat out.txt)"

note "in one process"
sed 's/^norm = .*/norm = "abs"/; s/^rounds = .*/rounds = 8/' own_model/own_model.toml >abs.toml
own_model-build/own-atoll simulate own_model/own_model.toml --json --out whole >whole.json 2>whole.log || { cat whole.log; fail "simulate"; }
own_model-build/own-atoll simulate abs.toml --json --out abs >abs.json 2>abs.log || { cat abs.log; fail "simulate with the own norm"; }
for run in whole abs; do
  accuracy=$(field accuracy $run.json)
  note "$run: accuracy $accuracy"
  awk -v found="$accuracy" 'BEGIN {exit !(found >= 0.9)}' || fail "the accuracy of $run is $accuracy, below 0.9"
done
"$bin/atoll" inspect "$(field model abs.json)" >inspect.txt
for tensor in stem.weight block1.conv.weight block1.norm.weight block2.shortcut.weight head.bias; do
  grep -q "$tensor" inspect.txt || { cat inspect.txt; fail "the model has no tensor $tensor"; }
done

note "over mutual TLS"
"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
{ cat own_model/own_model.toml; printf '\n[listen]\naddress = "127.0.0.1:0"\n'; } >server/server.toml
start server.log "$bin/atoll-server" run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
client=$here/own_model-build/own-client
join_clients 2 "$bin/atoll-server" token server
ends_as_undisturbed server
note "the federation's model is the simulation's, byte for byte"

note "from a static library"
mkdir static
cat >static/main.cc <<'CC'
#include <atoll/client/client_main.h>
int main(int argc, char** argv) { return atl::client::client_main(argc, argv); }
CC
cat >static/CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(static_library LANGUAGES CXX)
find_package(Atoll REQUIRED COMPONENTS client)
add_library(mine STATIC $here/own_model/own_model.cc)
target_link_libraries(mine PUBLIC Atoll::models)
add_executable(whole main.cc)
target_link_libraries(whole PRIVATE Atoll::client \$<LINK_LIBRARY:WHOLE_ARCHIVE,mine>)
add_executable(dropped main.cc)
target_link_libraries(dropped PRIVATE Atoll::client mine)
# Another file with the same names.
add_library(again OBJECT again.cc)
target_link_libraries(again PUBLIC Atoll::models)
add_executable(twice main.cc)
target_link_libraries(twice PRIVATE Atoll::client again \$<LINK_LIBRARY:WHOLE_ARCHIVE,mine>)
# Every header that is installed, by itself complete for whoever includes it.
add_library(headers OBJECT headers.cc)
target_link_libraries(headers PRIVATE Atoll::client Atoll::workbench)
CMAKE
cat >static/again.cc <<'CC'
#include <atoll/models/registry.h>
static atl::Result<atl::models::ModelPtr> make(const atl::models::ModelPlan&) { return atl::models::ModelPtr(); }
ATOLL_REGISTER_MODEL("small_resnet", make);
ATOLL_REGISTER_MODEL("lenet", make);
CC
(cd "$prefix/include" && find atoll -name '*.h' | sort | sed 's/.*/#include <&>/') >static/headers.cc
sed -i 's/COMPONENTS client/COMPONENTS client workbench/' static/CMakeLists.txt
quiet configure static
quiet ninja -C static-build
expect 0 ' small_resnet' static-build/whole models
expect 3 'there is a model (small_resnet|lenet) already' static-build/twice models
grep -q 'the registration at .*:[0-9]* is refused' out.txt || fail "it does not say where: $(cat out.txt)"
static-build/dropped models >out.txt
! grep -q small_resnet out.txt || fail "docs/own_model.md says that a plain static library loses its registrations: it does not"

note "without LibTorch"
mkdir core
cat >core/main.cc <<'CC'
#include <atoll/client/federation_loop.h>
#include <atoll/common/core/version.h>
#include <iostream>
int main() { std::cout << atl::version() << " " << atl::client::LoopOptions().patience.count() << "\n"; }
CC
cat >core/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(core LANGUAGES CXX)
find_package(Atoll REQUIRED COMPONENTS core)
add_executable(core main.cc)
target_link_libraries(core PRIVATE Atoll::client_core)
CMAKE
quiet configure core
quiet ninja -C core-build
expect 0 '^[0-9]+\.[0-9]+\.[0-9]+ 20000$' core-build/core
! ldd core-build/core | grep -q torch || fail "the component core brings LibTorch"

note "what is missing is named"
expect 1 'which is not in /nowhere' configure own_model -DATOLL_TORCH=/nowhere --fresh
sed 's/COMPONENTS core/COMPONENTS cor/' core/CMakeLists.txt >core.txt && mv core.txt core/CMakeLists.txt
expect 1 'Atoll has no component "cor"; there are core, client and workbench' configure core --fresh

note "LibTorch beside the programs"
quiet cmake --install "$build" --prefix "$prefix" --component torch
ldd "$bin/atoll-client" >ldd.txt
! grep -E 'libtorch|libc10|libgomp|not found' ldd.txt | grep -v "=> $prefix/" || fail "the libraries above are not the ones beside it"
"$bin/atoll-client" models >/dev/null || fail "it does not start with them"
note "$(du -sh --apparent-size "$prefix/lib/atoll" | cut -f1) of LibTorch, the rest $(du -sch --apparent-size "$prefix/include" "$prefix"/lib/*.a "$prefix/bin" | tail -n 1 | cut -f1)"
