#!/bin/sh
# Plays the seeds that found bugs: kept.sh ZMESOS-SIM KEPT.TXT
set -eu
played=0
while read -r seed what; do
    case $seed in '#'* | '') continue ;; esac
    "$1" --basic --seed "$seed" || { echo "seed $seed is back: $what"; exit 1; }
    played=$((played + 1))
done <"$2"
echo "$played seeds"
[ "$played" -gt 0 ]
