#!/bin/sh
# check_symbols.sh HEADER LIBRARY: the functions that the header declares are those that the library shows.
set -eu
declared=$(grep -v '^ \*\|^/\*' "$1" | grep -o '\bzmesos_[a-z_]*(' | tr -d '(' | sort -u)
shown=$(nm -D --defined-only "$2" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort -u)
if [ "$declared" != "$shown" ]; then
    echo "declared, and shown:"
    printf '%s\n' "$declared" > /dev/stdout
    echo "--"
    printf '%s\n' "$shown"
    exit 1
fi
