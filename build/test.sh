#!/usr/bin/env bash
# Builds everything (Release) and runs all tests. The last line is "N passed, N failed, N skipped"; skipped tests and
# their reasons stand above it. The exit code is 0 only if something ran and nothing failed.
#
#   build/test.sh                                            all tests, each folder of them in a process of its own
#   build/test.sh --filter "FullyQualifiedName~Checkpoints"  some; every other option of the test runner works as well
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build/setup.sh --tests
dotnet build ML.Pruning.sln --configuration Release --nologo --verbosity quiet

source build/libraries.sh
mkdir -p artifacts
logs="$(mktemp -d artifacts/test.XXXXXX)"
trap 'rm -rf "$logs"' EXIT
export logs DOTNET_CLI_UI_LANGUAGE=en

# Arguments: a name for the log, options of the test runner.
run_tests() {
  local log="$logs/$1"
  dotnet exec test/ML.Pruning.Tests/bin/Release/net10.0/ML.Pruning.Tests.dll \
    --show-test-results failed,skipped --show-stdout Failed --show-stderr Failed --zero-tests-policy strict \
    --progress off --no-ansi "${@:2}" >"$log"
}

# Arguments: a folder of tests. What failed is printed at once; skipped tests come at the end.
run_folder() {
  local code=0
  run_tests "$1" --filter "FullyQualifiedName~ML.Pruning.Tests.$1." || code=$?
  # A test's block is its outcome, name and duration, then its messages, indented.
  printf '\n%s\n' "$1"
  awk '/^skipped / { skip = 1; next } /^[^ ]/ || !NF { skip = 0 } !skip && NF' "$logs/$1"
  return "$code"
}
export -f run_tests run_folder

code=0
if (($# > 0)); then
  run_tests all "$@" || code=$?
  awk '/^skipped / { skip = 1; next } /^[^ ]/ || !NF { skip = 0 } !skip' "$logs/all"
else
  # As many at a time as there are cores, each on one thread; those with the most text first, as a guess at the longest.
  cores="$(nproc)" # before the next line, which nproc would obey too
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
  cd test/ML.Pruning.Tests
  folders="$(grep -rl '\[TestClass\]' --include='*.cs' -- */ | cut -d/ -f1 | sort -u | xargs du -s | sort -rn | cut -f2)"
  cd ../..
  xargs -P "$cores" -I{} bash -c 'run_folder {}' <<<"$folders" || code=$?
fi
awk '
  /^skipped /    { if (!seen++) print "\nSkipped:"; sub(/^skipped /, ""); sub(/ \([^()]*\)$/, ""); print "  " $0; inside = 1; next }
  /^[^ ]/ || !NF { inside = 0 }
  inside         { print "  " $0 }
' "$logs"/*

read -r total passed failed skipped < <(awk '
  FNR == 1 { in_summary = 0 }
  /^Test run summary:/ { in_summary = 1 }
  in_summary && $1 ~ /^(total|succeeded|failed|skipped):$/ { n[$1] += $2 }
  END { print n["total:"] + 0, n["succeeded:"] + 0, n["failed:"] + 0, n["skipped:"] + 0 }
' "$logs"/*)

if ((total == 0 && code == 0)); then
  code=1
fi
if ((code != 0 && failed == 0)); then
  printf '\nThe test run itself failed (exit code %d): no test matched, or the test process ended early.\n' "$code" >&2
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$code"
