#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Daemons that are stopped (SIGSTOP), each alone and all at once, for longer
# than a dead host would be waited for: streams go on without a loss and all are
# members afterwards, of a small session and of one with 1,000 leaves on one node
# (fewer on a slow machine).
#
#   root 10.77.1.2 --- router --- leaf 10.77.2.2
#                            `--- many 10.77.3.2 (1,000 leaves, a tenth of them send only)
#
# Runs alone: at its rates nothing may be lost for want of a processor.
# shellcheck source=tests/restart/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root leaf many
bytes=200
# A way between two namespaces takes 1,000 copies in one go; the small session needs some.
most=$(pace 1000)
receivers=$((most * 9 / 10))
seconds=4
[[ ${LONG-} ]] && seconds=60

app root root root 10.77.1.2 5000 plain $bytes && app root2 root root 10.77.1.2 5001 plain $bytes &&
	app leaf leaf leaves 10.77.1.2 5000 10.77.2.2 $bytes &&
	app idle leaf leaves 10.77.1.2 5000 10.77.2.2 $bytes &&
	app many many leaves 10.77.1.2 5001 10.77.3.2 $bytes &&
	app senders many leaves 10.77.1.2 5001 10.77.3.2 $bytes || give_up "no applications"
ask leaf 20 join 4000 1
ask many 120 join 10000 $receivers
note "$answer"
ask senders 60 join 20000 $((most - receivers)) senders
note "$answer"
ok "all join" within 20 has_members root2 $most
connections() { on "$1" ss -Htn state established "( sport = :19750 or dport = :19750 )" | wc -l; }
is "one connection carries them all" "$(connections many)" 1
is "and one the other" "$(connections leaf)" 1

members_are_there() {
	has_members root 1 && has_members root2 $most && has_members leaf 1 &&
		has_members many $receivers && has_members senders $((most - receivers))
}
begin_streams() { tell root send "$(pace 5000)" 0 && tell root2 send "$(pace 20)" 0; }
end_streams() {
	echo members >&"${app_in[root]}" && echo members >&"${app_in[root2]}"
	hear root2 20 && parse_sent && nothing_lost many $receivers && many_lost=no
	hear root 20 && parse_sent && nothing_lost leaf 1 && leaf_lost=no
	asked[root]=$((asked[root] + 1)) asked[root2]=$((asked[root2] + 1))
	hear root 20 && hear root2 20
}

# stopped WHAT HOST...
stopped() {
	local what=$1 at leaf_lost=yes many_lost=yes
	shift
	begin_streams
	for at in "$@"; do kill -STOP "${pid[daemon-$at]}"; done
	sleep $seconds
	if [[ $what == leaf ]]; then
		ask idle 20 join 4009 1
		is "$what: a join ends as it should" "${answer% *}" "joined 0 WSAENETDOWN none"
	fi
	for at in "$@"; do kill -CONT "${pid[daemon-$at]}"; done
	# What was put off is done now.
	sleep 1
	end_streams
	is "$what: the small session lost nothing" $leaf_lost no
	is "$what: the great one lost nothing" $many_lost no
	ok "$what: all are members still" members_are_there
	is "$what: none has ended" "$(told root ended)$(told root2 ended)$(told leaf ended)$(told many ended)$(told senders ended)" 00000
	is "$what: the connections are there" "$(connections many)$(connections leaf)" 11
}

stopped root root
stopped leaf leaf
[[ ${LONG-} ]] && stopped many many
stopped all root leaf many

ask many 20 close 1
ok "a leave is heard" within 10 has_told root2 "ended 0 closed" 1
ask many 20 join 30000 1
ok "a new join works" within 10 has_members root2 $most
tell root2 close
ok "all are told that the root closes" within 20 has_told many "ended 0 closed" $receivers
finish root2 20
for job in leaf idle many senders root; do close_app $job; done
is "nothing is left" "$(holdings root)$(holdings leaf)$(holdings many)" "0 [0,0]0 [0,0]0 [0,0]"
test_end
