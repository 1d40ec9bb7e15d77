#!/usr/bin/env bash
# Builds (Release) and runs benchmarks; each group, or single benchmark, asked for writes DIR/NAME.json, a list of objects.
#
#   build/bench.sh                        all of them
#   build/bench.sh NAME... [--output DIR] some: kernels, models, training, pruning, or single ones; DIR is artifacts/bench
#   build/bench.sh pruning --scale 0.1    a smaller one: so much of the layers of the large model; of kernels, so much of
#                                         the rows, and of the memory that copies of a matrix take
#   build/bench.sh list                   their groups and names
set -euo pipefail

here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build/setup.sh
source build/libraries.sh
case " $* " in
  *" list "*) ;;
  "  " | *" training "* | *" training-speed "*)
    # What training is compared with; without it that benchmark is left out and says so.
    /usr/bin/python3 -c 'import torch' 2>/dev/null || apt-get install -y -qq python3-torch >/dev/null || true ;;
esac
dotnet build test/ML.Pruning.Benchmarks --configuration Release --nologo --verbosity quiet
shared=$(realpath -m "${MLPRUNING_SHARED:-../shared}")
benchmarks=$PWD/test/ML.Pruning.Benchmarks/bin/Release/net10.0/ML.Pruning.Benchmarks.dll
output=$PWD/artifacts/bench
cd "$here" # --output is relative to where the command was given
exec dotnet exec "$benchmarks" --output "$output" --shared "$shared" "$@"
