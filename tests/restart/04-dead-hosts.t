#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A host that dies, which says nothing any more: its leaves are gone within the
# three seconds that its TCP is waited for (and some for the machine), the root
# is told once of each, so are they, and the others lose nothing; one leaf or 1,000
# (fewer on a slow machine).
#
#   root 10.77.1.2 --- router --- good 10.77.2.2
#                            |--- one  10.77.3.2 (its link goes down)
#                            `--- many 10.77.4.2 (1,000 leaves; the router forgets it)
#
# Runs alone: at its rates nothing may be lost for want of a processor.
# shellcheck source=tests/restart/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root good one many
bytes=200
most=$(pace 1000)
# Seconds: 3, one look a second, and what so many of them take on a busy or slow machine.
bound=$((5 + ${SLOW:-1}))

app root root root 10.77.1.2 5000 plain $bytes && app root2 root root 10.77.1.2 5001 plain $bytes &&
	app good good leaves 10.77.1.2 5000 10.77.2.2 $bytes &&
	app one one leaves 10.77.1.2 5000 10.77.3.2 $bytes &&
	app good2 good leaves 10.77.1.2 5001 10.77.2.2 $bytes &&
	app many many leaves 10.77.1.2 5001 10.77.4.2 $bytes || give_up "no applications"

# dies ROOT DEAD GOOD RATE COUNT COMMAND...
dies() {
	local root=$1 dead=$2 good=$3 rate=$4 count=$5 begun took
	shift 5
	ask "$good" 20 join 4000 1 && ask "$dead" 120 join 10000 "$count"
	note "$dead: $answer"
	ok "$dead: all join" within 20 has_members "$root" $((count + 1))
	tell "$root" send "$(pace "$rate")" 0
	sleep 1
	begun=$(now_us)
	"$@" || give_up "cannot cut it off"
	ok "$dead: the root is told of each that its host is dead" \
		within 20 has_told "$root" "ended WSAECONNABORTED lost" "$count"
	took=$((($(now_us) - begun) / 1000))
	note "$dead: in $took ms"
	ok "$dead: in time" between $took 1000 $((bound * 1000))
	ok "$dead: nothing is copied for them any more" within 5 has_leaves root 1
	ok "$dead: who cannot be reached hears of it too" \
		within 10 has_told "$dead" "ended WSAECONNABORTED lost" "$count"
	echo members >&"${app_in[$root]}"
	hear "$root" 20 && parse_sent
	ok "$dead: the others lose nothing" nothing_lost "$good" 1
	asked[$root]=$((asked[$root] + 1))
	hear "$root" 20
	is "$dead: the good one is a member" "$answer" "members 1"
	is "$dead: each was told once" "$(told "$root" ended)$(told "$dead" ended)" "$count$count"
}
joined_one() { ask "$1" 60 join 10000 1 && [[ $answer == "joined 1 "* ]]; }
back() {
	local root=$1 dead=$2 good=$3 count=$4
	shift 4
	"$@"
	# The way is there when neighbours are asked again.
	within 20 joined_one "$dead" || note "$dead: $answer"
	ask "$dead" 120 join 10001 $((count - 1))
	ok "$dead: when it is back, its leaves can join" within 20 has_members "$root" $((count + 1))
	ask "$dead" 20 close 2000
	ok "$dead: and leave" within 20 has_members "$root" 1
	ask "$good" 20 close 1
	ok "$dead: so do the others" within 20 has_leaves root 0
}
forget() { on router ip route add blackhole 10.77.4.2 && on router ip rule add iif to-many blackhole; }
remember() { on router ip route del blackhole 10.77.4.2 && on router ip rule del iif to-many blackhole; }

dies root one good 5000 1 on router ip link set to-one down
back root one good 1 on router ip link set to-one up
dies root2 many good2 20 $most forget
back root2 many good2 $most remember

for job in good good2 one many root root2; do close_app $job; done
is "nothing is left" "$(holdings root)$(holdings good)$(holdings one)$(holdings many)" \
	"0 [0,0]0 [0,0]0 [0,0]0 [0,0]"
test_end
