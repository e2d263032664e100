#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Daemons go and come, asked to or killed, on either side, while a stream runs:
# nothing of it is lost or doubled, what is counted goes on, and no bucket is
# filled up. What ended while its daemon was away is found to have ended.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2 (gets all)
#                            `--- b 10.77.3.2 (limited)
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b

session=10.77.1.2:5000 at_a=10.77.2.2:4000 at_b=10.77.3.2:4000

# The daemon on HOST is ended so and started again, and is away for so long: again HOST end|slay SECONDS ARG...
again() {
	local at=$1 how=$2 pause=$3
	shift 3
	$how "daemon-$at"
	sleep "$pause"
	daemon "$at" "$@" || give_up "no daemon on $at again"
}
no_members() { [[ $(leaves "$1" | jq '(.leaves | length) + (.members | length)') == 0 ]]; }
admits() { [[ $(leaves "$1" | jq -r '.members[0].kind') == "$2" ]]; }
no_sessions() { [[ $(sessions "$1" | jq '.sessions | length') == 0 ]]; }
# So many of HOST's leaves or members are shown as suspended: suspended HOST leaves|members N
suspended() { [[ $(leaves "$1" | jq "[.$2[] | select(.suspended_for_s != null)] | length") == "$3" ]]; }
# It never goes back, over the life of several daemons.
goes_on() {
	local was=$1 now
	now=$(leaf root $at_a .datagrams)
	[[ $now -ge $was ]] || { note "$was, then $now"; return 1; }
}

# --- a stream, 12 s at 10 Mbit/s, and daemons that come and go
records=11000 rate=$(pace 125000) bucket=15000
[[ ${SLOW-} ]] && records=5000
make_records "$lab/records" 1400 $records
start a a leaf $session --bind $at_a
start b b leaf $session --bind $at_b --qos "rate=$(pace 1000)kbit,bucket=$bucket"
open_root root $session --rate "$(pace 10000)kbit" --wait 2
ok "both leaves join" within 20 has_leaves root 2
began=$(now_us)
feed "$lab/records" &
feeder=$!
for how in end slay; do
	for at in root a b; do
		was=$(leaf root $at_a .datagrams)
		again "$at" $how 0.3
		ok "the count of copies goes on when the daemon on $at has come back ($how)" goes_on "$was"
	done
done
again root slay 0
again root end 0
wait $feeder
ok "the whole is sent" within 30 has_sent root $records
ended=$(now_us)
ok "the limited leaf never had more than rT + b" \
	test "$(leaf root $at_b .bytes)" -le $((rate * (ended - began) / 1000000 + bucket))
ok "but as much as it may have" \
	test "$(leaf root $at_b .bytes)" -ge $((rate * (ended - began) / 1000000 * 90 / 100))
is "what it did not get is counted as over its rate" \
	"$(leaf root $at_b '.drops["over-rate"] + .datagrams')" $records
is "a copy each was sent to a" "$(leaf root $at_a .datagrams)" $records
ok "all of them were admitted" within 5 eval '[[ $(leaves a | jq ".members[0].datagrams") == '$records' ]]'
ok "datagrams in times leaves = out and dropped" conserved root
end a
is "a has every record, once, in order, unchanged" "$(check_records 1400 "$lab/a.out")" "$(all_of $records)"
ok "a's daemon has no members then" within 5 no_members a
close_root
is "the root ends well" "$status" 0
ok "its session is closed by a daemon that did not open it" within 5 no_sessions root
ok "and its sockets are forgotten" within 5 no_members root
end b

# --- the two nodes find each other again, and hear what was done meanwhile
start a a leaf $session --bind $at_a
start second a leaf $session
open_root root $session --wait 2
ok "two leaves of one node join" within 20 has_leaves root 2
is "neither is suspended" "$(tool root show leaves 2>&1 | grep -cE 'suspended|leafcastd')" 0
end daemon-a
ok "both are when its daemon is away" within 5 suspended root leaves 2
is "as people read it, too" "$(tool root show leaves | grep -cE ' suspended [0-9]+ s ')" 2
is "the log says so once" "$(grep -c 'leafcastd at 10.77.2.2 is away: 2 memberships' "$lab/daemon-root.err")" 1
tool a show leaves >"$lab/alone.out" 2>"$lab/alone.err"
is "where there is no daemon, members are shown all the same" "$(grep -c "10.77.1.2:5000" "$lab/alone.out")" 2
like "and that there is none" "$lab/alone.err" "no leafcastd runs here"
daemon a || give_up "no daemon on a again"
ok "when it is back they are not" within 10 suspended root leaves 0
is "which is said once, too" "$(grep -c 'leafcastd at 10.77.2.2 is back with 2 of 2' "$lab/daemon-root.err")" 1
ok "the leaves' daemon resumes them" within 10 said daemon-a "leafcastd at 10.77.1.2 is back with 2 of 2"
slay daemon-root
ok "the leaves are shown as suspended when the root's daemon is away" within 5 suspended a members 2
daemon root || give_up "no daemon on root again"
ok "and not when it is back" within 10 suspended a members 0
ok "the root's daemon resumes them" within 10 said daemon-root "leafcastd at 10.77.2.2 is back with 2 of 2"
end second
slay daemon-root
end a
daemon root || give_up "no daemon on root again"
ok "a root hears of the leaf that closed while its daemon was away" \
	within 10 said root "leaf $at_a left"
ok "the leaf's record is gone" within 5 has_leaves root 0
close_root
for at in root a; do
	again "$at" slay 0
	start b b leaf $session --bind $at_b
	open_root root $session --wait 1
	ok "a new join after the daemon on $at was killed" within 20 has_leaves root 1
	close_root
	finish b
	is "and a close" "$status" 0
done

# --- a goodbye that the daemon it was said to does not live to pass on
nothing_to_say() { [[ $(bpftool -j map dump pinned "$lab/bpf/$1/lc_farewells" | jq length) == 0 ]]; }
has_something_to_say() { ! nothing_to_say "$1"; }
start a a leaf $session --bind $at_a
open_root root $session --wait 1
ok "a leaf joins" within 20 has_leaves root 1
slay daemon-a
make_records "$lab/records" 1400 1000
feed "$lab/records"
close_root
ok "what the leaf's daemon is to be told is kept" within 5 has_something_to_say root
again root slay 0
daemon a || give_up "no daemon on a again"
finish a
is "a leaf is told that its root closed, by a daemon that began later" "$status" 0
is "after all that was sent before" "$(check_records 1400 "$lab/a.out")" "$(all_of 1000)"
ok "and then it need not be told any more" within 5 nothing_to_say root
start a a leaf $session --bind $at_a
open_root root $session --wait 1
ok "a leaf joins" within 20 has_leaves root 1
slay daemon-root
end a
ok "what the root's daemon is to be told is kept" within 5 has_something_to_say a
again a slay 0
daemon root || give_up "no daemon on root again"
ok "a root is told that its leaf closed, by a daemon that began later" \
	within 10 said root "leaf $at_a left"
ok "and then it need not be told any more" within 5 nothing_to_say a
close_root

# --- what ends while its daemon is away
start a a leaf $session --bind $at_a
open_root root $session --wait 1
ok "a leaf joins" within 20 has_leaves root 1
slay daemon-a
slay a
daemon a
ok "a leaf killed while its daemon is away is found to be gone" within 5 no_members a
slay daemon-root
slay root
exec 9>&-
daemon root
ok "a root killed while its daemon is away is found to be gone" within 5 no_sessions root
ok "with its leaves and sockets" within 5 no_members root

# --- an application and its daemon that died, and are started anew at once
start a a leaf $session --bind $at_a
open_root root $session --wait 1
ok "a leaf joins" within 20 has_leaves root 1
slay daemon-a
slay a
daemon a
start anew a leaf $session --bind $at_a
ok "a leaf has the name of the one before" within 20 said anew "^joined"
slay daemon-root
slay root
exec 9>&-
daemon root
open_root root $session
close_root
is "and a root that of its session" "$status" 0
end anew

# --- what nobody claims
start a a leaf $session --bind $at_a
open_root root $session --wait 1
ok "a leaf joins" within 20 has_leaves root 1
kill -STOP "${pid[a]}"
again a slay 0 --grace 3
ok "a socket whose application does not come stays a member at first" admits a anchor
ok "until the grace time is over" within 10 admits a nobody
kill -CONT "${pid[a]}"
finish a 20
is "its application is told when it does come" "$status" 1
like "and why" "$lab/a.err" "lost"
close_root

# --- both on one node
start a root leaf 10.77.1.2:5000 --bind 10.77.1.2:4000
open_root root $session --rate 10mbit --wait 1
ok "a leaf of the root's own node joins" within 20 has_leaves root 1
make_records "$lab/records" 1400 3000
feed "$lab/records" &
feeder=$!
again root end 0.3
again root slay 0.3
wait $feeder
ok "the whole is sent" within 20 has_sent root 3000
ok "and arrives" within 10 eval '[[ $(stat -c %s "$lab/a.out") == $((3000 * 1400)) ]]'
is "every record, once, in order, unchanged" "$(check_records 1400 "$lab/a.out")" "$(all_of 3000)"
ok "no other daemon is said to be back" eval "! said daemon-root 'leafcastd at'"
close_root
is "the root ends well" "$status" 0
finish a
is "and its leaf hears so" "$status" 0
# Its root is slow to come back, and still nobody is told that there is none.
open_root root $session
ok "a root opens its session" within 20 eval '[[ $(sessions root | jq ".sessions | length") == 1 ]]'
for at in root a; do
	kill -STOP "${pid[root]}"
	again root slay 0
	start "of-$at" "$at" leaf 10.77.1.2:5000
	sleep 0.3
	kill -CONT "${pid[root]}"
	ok "a leaf on $at that asks meanwhile joins" within 20 said "of-$at" "^joined"
	ok "and nobody was told that nobody listens" eval "! said daemon-root nobody-listening"
done
close_root
finish of-root
finish of-a
test_end
