#!/bin/sh
# A responder's first hour: three exports of one incident into one case, the story out of it, and an account that proves
# what was looked at.
#
#   responders_hour.sh AOC EXPORTS CASE     EXPORTS holds purview.zip, graph/ and sentinel/; CASE is made
set -eu
aoc=$1 exports=$2 case=$3

step() { printf '\n== %s\n' "$1"; }

step purview
"$aoc" import "$exports/purview.zip" --data "$case" --by "Responder One"

"$aoc" up --data "$case" --port 0 --nats-port 0 >"$case.log" 2>&1 &
up=$!
trap 'kill "$up"; wait "$up" || true' EXIT
until grep -q 'AOC is up' "$case.log"; do
    kill -0 "$up" || { cat "$case.log"; exit 1; }
    sleep 1
done

step graph
"$aoc" import "$exports/graph" --data "$case" --by "Responder One"
step sentinel
"$aoc" import "$exports/sentinel" --data "$case" --by "Responder Two"

# Who does most, from where, and what failed? One address stands out.
step stats
"$aoc" stats --data "$case"
step failed
"$aoc" search --data "$case" "wrong password"
# Everything from that address, whose account it was, and what was done with it.
step address
"$aoc" search --data "$case" --ip 198.51.100.77
step timeline
"$aoc" timeline --data "$case" --actor dana.reyes@contoso.example
step rule
"$aoc" search --data "$case" '"RSS Feeds" invoice'
step consent
"$aoc" search --data "$case" "consented mail sync"
step administrator
"$aoc" search --data "$case" "global administrator"
step files
"$aoc" search --data "$case" 'payroll*' --csv

# What was looked at, by whom, unchanged: signed, and checked with the fingerprint that the signer gave.
step account
"$aoc" completeness --data "$case" --report "$case.jws"
fingerprint=$("$aoc" keys fingerprint --data "$case")
step check
"$aoc" completeness --check "$case.jws" --fingerprint "$fingerprint"
