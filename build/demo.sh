#!/usr/bin/env bash
# The main job end to end: load, calibrate, prune, evaluate, save as an ML.NET zip, reload in a new process, compare.
# Usage: build/demo.sh [model-folder [calibration-file evaluation-file]]
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
"$root/build/setup.sh" >&2
pushd "$root" >/dev/null && source build/libraries.sh && popd >/dev/null
project="$root/src/ML.Pruning.Samples/ML.Pruning.Samples.csproj"
dotnet build "$project" -c Release -v quiet -nologo >&2
exec dotnet run --project "$project" -c Release --no-build -- demo "$@"
