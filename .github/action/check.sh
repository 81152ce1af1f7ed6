#!/usr/bin/env bash
# The second step of action.yml: runs envcheck once for all outputs. It succeeds whatever is found; the exit code is an
# output, with which the last step ends.
#
# Reads ENVCHECK, INPUT_ARGS, INPUT_FAIL_ON, INPUT_CONFIG, INPUT_SUMMARY and what a runner sets; writes $GITHUB_OUTPUT
# and $GITHUB_STEP_SUMMARY.
set -euo pipefail

# Parted here and nowhere else: no word is expanded or run.
arguments=()
if [[ $INPUT_ARGS == *$'\n'* ]]; then
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [ -z "$line" ] || arguments+=("$line")
  done <<<"$INPUT_ARGS"
else
  read -r -a arguments <<<"$INPUT_ARGS"
fi
[ "${#arguments[@]}" -gt 0 ] || arguments=(check)
if [ -n "${INPUT_CONFIG:-}" ]; then
  arguments+=(--config "$INPUT_CONFIG")
fi

folder=$(mktemp -d "${RUNNER_TEMP:?}/envcheck-XXXXXX")
arguments+=(--fail-on "$INPUT_FAIL_ON" --format github)
for format in sarif json html; do
  arguments+=(--output "$format=$folder/envcheck.$format")
done
if [ "${INPUT_SUMMARY:-true}" = true ]; then
  arguments+=(--output "markdown=$folder/envcheck.md")
fi

code=0
"$ENVCHECK" "${arguments[@]}" || code=$?
[ "$code" -le 1 ] || echo "::error title=envcheck::envcheck could not do its work; the log says why"

# Code scanning opens alerts for suppressed results, too, so what was excused stays out of the upload.
if [ -s "$folder/envcheck.sarif" ]; then
  jq 'del(.runs[].results[] | select((.suppressions // []) != []))' "$folder/envcheck.sarif" >"$folder/upload.sarif"
  mv "$folder/upload.sarif" "$folder/envcheck.sarif"
fi
if [ -s "$folder/envcheck.md" ]; then
  cat "$folder/envcheck.md" >>"$GITHUB_STEP_SUMMARY"
fi
{
  echo "exit-code=$code"
  for format in sarif json html; do
    # Where envcheck could not do its work there is no report.
    [ ! -s "$folder/envcheck.$format" ] || echo "$format=$folder/envcheck.$format"
  done
} >>"$GITHUB_OUTPUT"
