#!/bin/sh
# check_symbols.sh LIBRARY ALLOWED [WHY_NOT]: what the core needs from elsewhere, against the short list of what it may
# know. It decides; it does not read, write, wait, draw lots or log. Exit status 77, with a word, when the build adds
# symbols of its own (WHY_NOT is not empty).
set -eu
library=$1 allowed=$2
if [ -n "${3:-}" ]; then
    echo "skipped: $3 adds symbols of its own"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -P --undefined-only "$library" | awk '!/:$/ {print $1}' | sort -u >"$work/needed"
nm -P --defined-only "$library" | awk '!/:$/ {print $1}' | sort -u >"$work/own"
comm -23 "$work/needed" "$work/own" >"$work/foreign"
test -s "$work/foreign" || { echo "nm found no symbol in $library"; exit 1; }
sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' -e 's/.*/^(&)$/' "$allowed" >"$work/patterns"
if grep -v -E -f "$work/patterns" "$work/foreign" >"$work/wrong"; then
    echo "the core must not need:"
    cat "$work/wrong"
    exit 1
fi
echo "$(wc -l <"$work/foreign") symbols, all allowed"
