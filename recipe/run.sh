#!/usr/bin/env bash
# Tests a WebRTC implementation with rtcspec, in the CI of that implementation. README.md beside it.
#
#   recipe/run.sh --peer-cmd 'python3 my_adapter.py' [more options of `rtcspec run`]
#
# RTCSPEC_FILTERS selects scenarios and cases. Ends as `rtcspec run` does: 0 as expected, 1 an
# unexpected result, 3 something did not start.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
out=${RTCSPEC_OUT:-rtcspec-report}
rtcspec=${RTCSPEC:-$("$home/recipe/build.sh")}

# Data channels, the two ends of NAT traversal, an outage, an ICE restart. Somebody's own scenarios are
# all run.
quick="dc/ nat/open-open nat/symmetric-symmetric nat/reboot-same-ports ice/restart"
for word in "$@"; do
    case $word in --scenarios | --scenarios=*) quick= ;; esac
done
# Of all lines; that it comes to the end of them is no failure.
read -rd '' -a filters <<<"${RTCSPEC_FILTERS:-$quick}" || true

# By the wall's clock most runs wait most of the time, so that more than one for each core fit.
jobs=${RTCSPEC_JOBS:-8}

code=0
"$rtcspec" run "${filters[@]}" --jobs "$jobs" --out "$out" "$@" || code=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -e "$out/summary.md" ]; then
    cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$code"
