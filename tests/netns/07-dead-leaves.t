#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Dead leaves cost the others nothing: not one datagram.
#
#   root 10.77.1.2 --- router --- good 10.77.2.2
#    | |   (and a good leaf) |--- killed 10.77.3.2 (its process, later its daemon)
#    | |                     `--- full 10.77.4.2  (its process stopped)
#    |  `--- mute 10.77.5.2 (stops answering neighbour requests)
#     `----- cut 10.77.6.2  (its link goes down)
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root good killed full
{ host mute && wire mute root 5 && host cut && wire cut root 6; } || give_up "no direct links"
for at in mute cut; do daemon $at || give_up "no daemon on $at"; done
on root sysctl -qw net.ipv4.neigh.to-mute.base_reachable_time_ms=500 \
	net.ipv4.neigh.to-mute.delay_first_probe_time=1 net.ipv4.neigh.to-mute.retrans_time_ms=200
session=10.77.1.2:5000
records=9000 # at 12 mbit/s about nine seconds
make_records "$lab/records" 1400 $records

start good good leaf $session
start own root leaf $session
start killed killed leaf $session
start killed2 killed leaf $session
start full full leaf $session
start mute mute leaf $session --bind 10.77.5.2:4000
start cut cut leaf $session --bind 10.77.6.2:4000
open_root root $session --rate 12mbit --wait 7
ok "seven leaves join" within 30 has_leaves root 7
feed "$lab/records" &
feeder=$!
begun() { (($(sessions root | jq '.sessions[0].datagrams') > 500)); }
ok "the stream has begun" within 20 begun

kill -STOP "${pid[full]}"
on cut ip link set eth0 down
on mute ip link set eth0 arp off
on root ip neigh flush dev to-mute
slay killed
is "a process is killed" "$status" 137
sleep 2
slay daemon-killed
ok "the killed process is told as such" within 10 said root "was lost: reset (WSAECONNRESET 10054)"
dropped() { [[ $(tool root show drops -j | jq ".drops[\"$1\"]") -ge 1 ]]; }
ok "drops for the link that is down are counted" within 10 dropped link-down
ok "drops for the neighbour that does not answer are counted" within 10 dropped no-neighbour

wait $feeder
ok "the whole is sent" within 30 has_sent root $records
is "each leaf that stayed: out and dropped are what was sent" \
	"$(leaves root | jq "[.leaves[] | .datagrams + ([.drops[]] | add) == $records] | all")" true
note "$(tool root show leaves | tr '\n' '|')"
close_root
is "the root ends well" "$status" 0
for job in good own; do
	finish $job
	is "$job has every record" "$status $(check_records 1400 "$lab/$job.out")" "0 $(all_of $records)"
done
kill -CONT "${pid[full]}"
finish full
note "full: $status $(check_records 1400 "$lab/full.out")"
ok "the stopped one gets what its buffer held, unchanged" \
	eval "check_records 1400 '$lab/full.out' | grep -q 'repeated=0 disordered=0 damaged=0'"
got=$(check_records 1400 "$lab/full.out" | sed 's/records=\([0-9]*\).*/\1/')
lost=$(tool full show drops -j | jq '.drops["buffer-full"]')
is "what it lost to its full buffer is counted" $((got + lost)) $records
ok "and it did lose some" test "$lost" -gt 0
for job in mute cut; do
	finish $job 40
	is "$job ends, and not well" "$status" 1
	like "$job says that its session broke" "$lab/$job.err" "session broke: "
done

# --- what the killed daemon left is taken over by the next, which hears what was said meanwhile
daemon killed || give_up "no daemon after the killed one"
finish killed2
is "a leaf whose daemon was away when the root closed has every record" \
	"$status $(check_records 1400 "$lab/killed2.out")" "0 $(all_of $records)"
make_records "$lab/records" 1400 200
start killed killed leaf $session
open_root root $session --rate 10mbit --wait 1
ok "a leaf joins by the new daemon" within 20 has_leaves root 1
feed "$lab/records"
close_root
finish killed
is "and has every record" "$(check_records 1400 "$lab/killed.out")" "$(all_of 200)"
test_end
