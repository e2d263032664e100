#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Daemons are stopped, killed and started again while a stream runs at the
# highest rate that loses nothing without that: nothing is lost, repeated,
# damaged or out of order, no counter falls, no bucket is filled anew.
#
#   root 10.77.1.2 (and a leaf) --- router --- leaf 10.77.2.2
#                                          `-- and one there that is limited
#
# Runs alone: at its rates nothing may be lost for want of a processor.
# shellcheck source=tests/restart/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root leaf
limit=$(pace 250000)
bucket=$((15000 * ${SLOW:-1}))
bytes=200
# Restarts, kills, datagrams, milliseconds of the same rate without them.
plan=(5 3 50000 1500)
[[ ${SLOW-} ]] && plan=(3 2 10000 3000)
[[ ${LONG-} ]] && plan=(20 5 1000000 10000)

# Every fifth is a kill, as far as there are any; the hosts take turns.
disturb() {
	local stops=${plan[0]} kills=${plan[1]} i at
	for ((i = 1; stops + kills > 0; i++)); do
		at=${!#}
		((i % $# == 0)) || at=$1
		if ((kills > 0 && (i % 5 == 3 || stops == 0))); then
			kills=$((kills - 1))
			crash "$at" || return
		else
			stops=$((stops - 1))
			restart "$at" || return
		fi
		# At once, or when all have found their way back.
		((i % 2)) || has_leaves root 3 || return
	done
}
stream_is_long() { (($(sessions root | jq '.sessions[0].datagrams') >= stream_from + plan[2])); }

# full_rate ROOT LEAF WAY HOST...: addresses; the daemons that go and come are those hosts'.
full_rate() {
	local what="$3, $1, daemons on ${*:4}" root=$1 leaf=$2 way=$3 rate stream_from named=$2
	shift 3
	[[ $leaf != *:* ]] || named="[$leaf]"
	app root root root "$root" 5000 "$way" $bytes && app here root leaves "$root" 5000 "$root" $bytes &&
		app leaf leaf leaves "$root" 5000 "$leaf" $bytes &&
		app slow leaf leaves "$root" 5000 "$leaf" $bytes || give_up "no applications"
	ask here 20 join 4000 1 && ask leaf 20 join 4000 1 && ask slow 20 join 4001 1 $limit,$bucket
	ok "$what: three leaves join" has_members root 3

	find_rate "here 1" "leaf 1"
	while ! loses_nothing "$rate" "${plan[3]}" "here 1" "leaf 1" && ((rate > least_rate)); do rate=$((rate * 4 / 5)); done
	note "$what: $rate datagrams/s"
	stream_from=$(sessions root | jq '.sessions[0].datagrams')
	watch root
	begin_stream "$rate"
	ok "$what: goes and comes" disturb "$@"
	ok "$what: the stream is long enough" within 120 stream_is_long
	end_stream || give_up "the root"
	end_watch
	note "$what: $((last - first + 1)) datagrams in $sent_us us"
	ok "$what: nothing is lost at the leaf" nothing_lost leaf 1
	ok "$what: nothing is lost at the one on the root's node" nothing_lost here 1
	ok "$what: no counter falls" counters_are_monotone
	ok "$what: no bucket is filled anew" bucket_holds "$named:4001" $limit $bucket
	ok "$what: datagrams in times leaves = out and dropped" conserved root
	ask slow 20 received
	is "$what: the limited one has what was copied to it" "$answer" \
		"received $(leaf root "$named:4001" .datagrams)"
	ok "$what: all are members still" has_members root 3
	is "$what: none has ended" "$(told root ended)$(told leaf ended)$(told slow ended)$(told here ended)" 0000
	ok "$what: the rate is one that loses nothing" loses_nothing "$rate" "${plan[3]}" "here 1" "leaf 1"

	ask slow 20 close 1
	ok "$what: the root is told of a leave" within 10 has_told root "ended 0 closed" 1
	ok "$what: a leave leaves nothing" within 10 has_leaves root 2
	ask slow 20 join 4001 1
	is "$what: a new join of the same name" "${answer% *}" "joined 1 0 none"
	ok "$what: is a member" within 10 has_members root 3
	sent 1000 1000
	ok "$what: and gets everything" nothing_lost slow 1
	close_app root
	is "$what: the root ends well" "$status" 0
	for job in leaf slow here; do
		ok "$what: $job is told that the root closes" within 10 has_told $job "ended 0 closed" 1
		close_app $job
	done
	is "$what: nothing is left" "$(holdings root)$(holdings leaf)" "0 [0,0]0 [0,0]"
}

if [[ ! ${LONG-} ]]; then
	full_rate 10.77.1.2 10.77.2.2 plain root leaf
else
	full_rate 10.77.1.2 10.77.2.2 plain root
	full_rate 10.77.1.2 10.77.2.2 plain leaf
	full_rate fd77:1::2 fd77:2::2 segment leaf
	full_rate fd77:1::2 fd77:2::2 segment root
	full_rate fd77:1::2 fd77:2::2 plain root
	full_rate fd77:1::2 fd77:2::2 plain leaf
	full_rate 10.77.1.2 10.77.2.2 segment root
	full_rate 10.77.1.2 10.77.2.2 segment leaf
fi
test_end
