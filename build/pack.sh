#!/usr/bin/env bash
# Makes the packages ML.Pruning and ML.Pruning.Tool (Release) in artifacts/packages.
#
#   build/pack.sh                       where the package feed serves ML.NET, TorchSharp and ONNX Runtime
#   build/pack.sh --stand-ins FOLDER    elsewhere: the tool too, with the stand-ins in it, into FOLDER, for this machine alone
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
stand_ins=''
case "${1:-}" in
  '') ;;
  --stand-ins) stand_ins="$(realpath -m "${2:?--stand-ins needs a folder}")" ;;
  *) printf "pack: unknown argument '%s'. Known is --stand-ins FOLDER.\n" "$1" >&2; exit 1 ;;
esac
build/setup.sh
output="${stand_ins:-$PWD/artifacts/packages}"
rm -f "$output"/ML.Pruning.*nupkg

dotnet pack src/ML.Pruning --configuration Release --nologo --verbosity quiet -p:PackageOutputPath="$output"
if [[ -z "$stand_ins" ]] && grep -q '<UseStandIns>true<' build/feed.props; then
  echo "pack: the package feed lacks the real packages, so the tool is not packed (--stand-ins FOLDER packs it all the same)." >&2
else
  dotnet pack src/ML.Pruning.Tool --configuration Release --nologo --verbosity quiet \
    -p:PackageOutputPath="$output" -p:StandInFeed="$stand_ins"
fi
ls "$output"
