#!/usr/bin/env bash
# Builds everything (Release) and runs all tests. The last line is "N passed, N failed, N skipped"; skipped tests and
# their reasons stand above it. The exit code is 0 only if something ran and nothing failed.
#
#   build/test.sh                                            all tests
#   build/test.sh --filter "FullyQualifiedName~Checkpoints"  some; every other option of the test runner works as well
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build/setup.sh --native-tests
dotnet build ML.Pruning.sln --configuration Release --nologo --verbosity quiet

mkdir -p artifacts
log="$(mktemp artifacts/test.XXXXXX)"
trap 'rm -f "$log"' EXIT

# A test's block is its outcome, name and duration, then its messages, indented. The skipped ones come at the end.
code=0
DOTNET_CLI_UI_LANGUAGE=en dotnet run --project test/ML.Pruning.Tests --configuration Release --no-build -- \
  --show-test-results failed,skipped --show-stdout Failed --show-stderr Failed --zero-tests-policy strict \
  --progress off --no-ansi "$@" |
  tee "$log" | awk '/^skipped / { skip = 1; next } /^[^ ]/ || !NF { skip = 0 } !skip { print; fflush() }' || code=$?

awk '
  /^skipped /    { if (!seen++) print "\nSkipped:"; sub(/^skipped /, ""); sub(/ \([^()]*\)$/, ""); print "  " $0; inside = 1; next }
  /^[^ ]/ || !NF { inside = 0 }
  inside         { print "  " $0 }
' "$log"

read -r total passed failed skipped < <(awk '
  /^Test run summary:/ { in_summary = 1; split("", n) }
  in_summary && $1 ~ /^(total|succeeded|failed|skipped):$/ { n[$1] = $2 }
  END { print n["total:"] + 0, n["succeeded:"] + 0, n["failed:"] + 0, n["skipped:"] + 0 }
' "$log")

if ((total == 0 && code == 0)); then
  code=1
fi
if ((code != 0 && failed == 0)); then
  printf '\nThe test run itself failed (exit code %d): no test matched, or the test process ended early.\n' "$code" >&2
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$code"
