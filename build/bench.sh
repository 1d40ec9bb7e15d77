#!/usr/bin/env bash
# Builds (Release) and runs the benchmarks; each writes artifacts/bench/NAME.json.
#
#   build/bench.sh           all of them
#   build/bench.sh NAME...   some
#   build/bench.sh list      their names
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build/setup.sh
dotnet build test/ML.Pruning.Benchmarks --configuration Release --nologo --verbosity quiet
exec dotnet run --project test/ML.Pruning.Benchmarks --configuration Release --no-build -- \
  artifacts/bench "${MLPRUNING_SHARED:-../shared}" "$@"
