#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A daemon is killed at each call that changes something while a join goes on,
# of each kind of join, the root's daemon and the leaf's: who asked is told
# something it can expect, both sides agree in the end whether there is a
# membership, nothing of one that is over stays, the same leaf can join again,
# and a stream to another leaf loses nothing. The same of ends: whatever call of
# a close a daemon is killed at while the other one is away, and whoever closes,
# the other end is told of that close when both are back.
#
#   root 10.77.1.2 (and a leaf) --- router --- leaf 10.77.2.2
#                                          `-- other 10.77.3.2, which gets the stream
#
# Runs alone: at its rates nothing may be lost for want of a processor.
# shellcheck source=tests/restart/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root leaf other
bytes=200
stride=13
[[ ${SLOW-} ]] && stride=21
[[ ${LONG-} ]] && stride=1

app root root root 10.77.1.2 5000 plain $bytes && app asked root root 10.77.1.2 5001 plain $bytes &&
	app other other leaves 10.77.1.2 5000 10.77.3.2 $bytes &&
	app leaf leaf leaves 10.77.1.2 5001 10.77.2.2 $bytes &&
	app here root leaves 10.77.1.2 5001 10.77.1.2 $bytes || give_up "no applications"
ask other 20 join 4000 1 && begin_stream "$(pace 2000)"
ok "a stream has begun" within 10 has_leaves root 1
idle="$(holdings root) $(holdings leaf)"
is_idle() { [[ "$(holdings root) $(holdings leaf)" == "$idle" ]]; }

# What may be said to who asked, and to who was invited.
expected() {
	# A socket that could not even be opened has no reason.
	local refused='WSAECONNREFUSED (no-control|nobody-listening)' down='WSAENETDOWN (network-down|none)'
	case $1 in
	"join leaf "*root) echo "^joined (1 0 none|0 $refused) " ;;
	"join "*) echo "^joined (1 0 none|0 $down) " ;;
	"invite leaf "*leaf) echo "^invited (0 none|$refused)$" ;;
	"invite "*) echo "^invited (0 none|$down)$" ;;
	esac
}
# Who was invited: withdrawn, or nothing has come.
expected_of_invited='^joined (1 0 none|0 (WSAECONNRESET (reset|none)|WSAENETDOWN .*|WSAEACCES .*|WSAEWOULDBLOCK .*)) '
expected_end='^! ended (0 closed|WSAECONNRESET reset|WSAECONNABORTED lost|WSAENETDOWN network-down)$'

# kill_at HOST NUMBER: its daemon, at that call.
kill_at() {
	: >"$lab/kill_at.out"
	"$programs/kill_at" "${pid[daemon-$1]}" "$2" >"$lab/kill_at.out" 2>&1 &
	pid[kill_at]=$!
	within 10 grep -q watching "$lab/kill_at.out"
}
has_killed() { grep -q '^killed at' "$lab/kill_at.out"; }
next_daemon() {
	slay "daemon-$1"
	daemon "$1" || give_up "no daemon on $1"
}
agree() {
	ask leaf 20 members && local at_leaf=${answer#members } && ask here 20 members &&
		at_leaf=$((at_leaf + ${answer#members })) && ask asked 20 members || return
	[[ ${answer#members } == "$at_leaf" && $(leaf_count root) == $((at_leaf + 1)) ]]
}

# attempt KIND WHO: asks, without waiting; begin_attempt what comes before.
begin_attempt() {
	[[ $1 == invite ]] || return 0
	local listened
	listened=$(told "$2" listening)
	tell "$2" listen 4000
	within 20 has_told "$2" listening $((listened + 1))
}
attempt() {
	case $1 in
	join) tell "$2" join 4000 1 ;;
	invite) tell asked invite "$3" 4000 ;;
	esac
}
# $outcome, and $of_invited
end_attempt() {
	of_invited=
	case $1 in
	join) hear "$2" 60 && outcome=$answer ;;
	invite)
		hear asked 60 && outcome=$answer || return
		# Who was invited and does not know it yet is asked once more, which ends its listening.
		[[ $outcome == "invited 0 none" ]] && within 5 answered "$2"
		tell "$2" members
		asked[$2]=$((asked[$2] - 1))
		hear "$2" 60 && of_invited=$answer || return
		asked[$2]=$((asked[$2] + 1))
		hear "$2" 20
		;;
	esac
}

wrong() {
	bad+=" [$*]"
	note "$*"
}

# One step: 1 when the join went through before it was reached.
step() {
	local kind=$1 who=$2 address=$3 victim=$4 number=$5 reached=no
	local outcome="" of_invited=""
	begin_attempt "$kind" "$who" || wrong "$number: does not listen"
	kill_at "$victim" "$number" || give_up "the killer: $(cat "$lab/kill_at.out")"
	attempt "$kind" "$who" "$address"
	# Every other time the next daemon is there at once. A join takes far less than
	# the three seconds on a slow machine too.
	if ((number % 2)) && SLOW=1 within 3 has_killed; then
		next_daemon "$victim"
		reached=yes
	fi
	end_attempt "$kind" "$who" || wrong "$number: no answer"
	end kill_at
	if [[ $reached == no ]] && has_killed; then
		next_daemon "$victim"
		reached=yes
	fi
	[[ $outcome =~ $(expected "$kind $who $victim") ]] || wrong "$number: $outcome"
	[[ ! $of_invited || $of_invited =~ $expected_of_invited ]] || wrong "$number: invited: $of_invited"
	within 15 agree || wrong "$number: they do not agree: $answer, $(leaf_count root) leaves"
	ask "$who" 20 close 10
	within 15 is_idle || wrong "$number: $(holdings root) $(holdings leaf), not $idle"
	within 10 has_members asked 0 || wrong "$number: the root has members"
	begin_attempt "$kind" "$who" && attempt "$kind" "$who" "$address" && end_attempt "$kind" "$who"
	[[ $outcome == "joined 1 0 none "* || $outcome == "invited 0 none" ]] ||
		wrong "$number: the next: $outcome"
	ask asked 20 send 1000 10 && read -r _ first last _ <<<"$answer"
	nothing_lost "$who" 1 || wrong "$number: data: $answer"
	ask "$who" 20 close 10
	within 15 is_idle || wrong "$number: after the next: $(holdings root) $(holdings leaf)"
	[[ $reached == yes ]]
}

# each_step KIND WHO ADDRESS VICTIM
each_step() {
	local number=1 bad=
	# Where one was killed, bash says so.
	while step "$@" $number 2>/dev/null && ((number < 200)); do number=$((number + stride)); done
	note "$*: the daemon was killed at up to $number calls"
	ok "$*: a join makes more than five such calls" test $number -gt 5
	is "$*: all is as it should be" "$bad" ""
}

each_step join leaf 10.77.2.2 root
each_step invite leaf 10.77.2.2 leaf
if [[ ${LONG-} ]]; then
	each_step join leaf 10.77.2.2 leaf
	each_step invite leaf 10.77.2.2 root
	each_step join here 10.77.1.2 root
	each_step invite here 10.77.1.2 root
fi
# part_step WHO VICTIM TOLD AWAY: WHO closes, of which the daemon on AWAY would tell TOLD; 1 as above
part_step() {
	local who=$1 victim=$2 told=$3 away=$4 number=$5 closed reached=no part=part
	[[ $who != leaf ]] || part="close 10"
	ask leaf 20 join 4000 1 && [[ $answer == "joined 1 0 none "* ]] || wrong "$number: joins: $answer"
	within 10 has_members asked 1 || wrong "$number: the root has no member"
	closed=$(told "$told" "ended 0 closed$")
	slay "daemon-$away"
	kill_at "$victim" "$number" || give_up "the killer: $(cat "$lab/kill_at.out")"
	tell "$who" "$part"
	within 3 has_killed && reached=yes
	end kill_at
	next_daemon "$victim"
	hear "$who" 20 || wrong "$number: $who does not come back"
	daemon "$away" || give_up "no daemon on $away"
	within 15 has_told "$told" "ended 0 closed$" $((closed + 1)) ||
		wrong "$number: $told is not told of it: $(grep '^! ended' "$lab/$told.out" | tail -n 1)"
	within 15 is_idle || wrong "$number: $(holdings root) $(holdings leaf), not $idle"
	[[ $reached == yes ]]
}
each_part() {
	local number=1 bad=
	while part_step "$@" $number 2>/dev/null && ((number < 200)); do number=$((number + 1)); done
	note "$*: the daemon was killed at up to $number calls"
	ok "$*: a close makes more than three such calls" test $number -gt 3
	is "$*: all is as it should be" "$bad" ""
}
if [[ ${LONG-} ]]; then
	each_part asked root leaf leaf
	each_part leaf leaf asked root
fi
is "whoever was told of an end was told why" \
	"$(grep -h '^! ended' "$lab"/*.out | grep -vE "$expected_end")" ""
end_stream
ok "the stream lost nothing" nothing_lost other 1
is "and its leaf is a member still" "$(told other ended)$(told root ended)" 00
for job in leaf here other root; do close_app $job; done
tell asked close && finish asked 20
test_end
