#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Routes, neighbours and links change while a session runs.
#
#   root 10.77.1.2 --- (eth0) --- router --- a 10.77.2.2
#        10.77.9.2 --- (eth1) ---'     `--- b 10.77.3.2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b
ip link add eth1 netns "$lab_name-root" type veth peer name to-root2 netns "$lab_name-router" &&
	on router ip address add 10.77.9.1/24 dev to-root2 && on router ip link set to-root2 up &&
	on root ip address add 10.77.9.2/24 dev eth1 && on root ip link set eth1 up ||
	give_up "no second link"
session=10.77.1.2:5000
make_records "$lab/records" 1400 4000
begun() { (($(sessions root | jq '.sessions[0].datagrams') > $1)); }
goes_by() { [[ $(leaf root "$1" .interface) == "$2" ]]; }
path_is() { [[ $(leaf root 10.77.2.2:4000 .state) == "$1" ]]; }

# --- a route moves to another interface: not one datagram is lost, and the other leaf stays
for at in a b; do start $at $at leaf $session --bind "10.77.$([[ $at == a ]] && echo 2 || echo 3).2:4000"; done
open_root root $session --rate 8mbit --wait 2
ok "two leaves join" within 20 has_leaves root 2
feed "$lab/records" &
feeder=$!
ok "the stream has begun" within 10 begun 300
ok "a's copies leave by eth0" goes_by 10.77.2.2:4000 eth0
on root bash -c 'echo >/dev/udp/10.77.9.1/9'
known() { on root ip neigh show 10.77.9.1 | grep -q lladdr; }
ok "the new next hop is known before" within 10 known
on root ip route add 10.77.2.0/24 via 10.77.9.1
ok "and by eth1 when the route says so" within 10 goes_by 10.77.2.2:4000 eth1
ok "b's go on by eth0" goes_by 10.77.3.2:4000 eth0
ok "the stream still runs" test "$(sessions root | jq '.sessions[0].datagrams')" -lt 4000
wait $feeder
ok "the whole is sent" within 20 has_sent root 4000
close_root
for at in a b; do
	finish $at
	is "$at ends well" "$status" 0
	# Whether what goes by the new way overtakes what is on the old one is the router's affair.
	like "$at lost nothing" <(check_records 1400 "$lab/$at.out") \
		"^records=4000 first=1 last=4000 missing=0 repeated=0 disordered=[0-9]+ damaged=0$"
done
on root ip route del 10.77.2.0/24

# --- a link flaps, and its neighbour comes back with another address
start a a leaf $session --bind 10.77.2.2:4000
start own root leaf $session
open_root root $session --rate 4mbit --wait 2
ok "two leaves join again" within 20 has_leaves root 2
feed "$lab/records" &
feeder=$!
ok "the stream has begun again" within 10 begun 300
on root ip link set eth0 down
# The routes go with the link.
ok "a's link is down" within 10 path_is no-route
sleep 1
on router ip link set to-root address 02:00:00:00:00:77
on root ip link set eth0 up
on root ip route replace default via 10.77.1.1
ok "and back" within 10 goes_by 10.77.2.2:4000 eth0
wait $feeder
ok "the whole is sent again" within 40 has_sent root 4000
ok "datagrams in times leaves = out and dropped" conserved root
missed=$(leaf root 10.77.2.2:4000 '[.drops[]] | add')
close_root
finish own
is "the leaf on the root's node lost nothing" "$status $(check_records 1400 "$lab/own.out")" \
	"0 $(all_of 4000)"
finish a
note "a: $(check_records 1400 "$lab/a.out"); the root counts $missed dropped"
ok "a lost something while its link was down" test "$missed" -gt 0
# What the device was handed between going down and being known to be down, nobody saw fail.
arrived=$(check_records 1400 "$lab/a.out" | sed 's/records=\([0-9]*\).*/\1/')
ok "nothing was lost but while the link was down" \
	test $((4000 - missed - arrived)) -ge 0 -a $((4000 - missed - arrived)) -le 100
like "to the last, in order, unchanged" <(check_records 1400 "$lab/a.out") \
	"last=4000 .* repeated=0 disordered=0 damaged=0"

# --- where its host does not care (rp_filter), a leaf is reached by another way than it answers on
ip link add eth1 netns "$lab_name-a" type veth peer name to-a2 netns "$lab_name-router" &&
	on router ip address add 10.77.8.1/24 dev to-a2 && on router ip link set to-a2 up &&
	on a ip address add 10.77.8.2/24 dev eth1 && on a ip link set eth1 up || give_up "no third link"
for at in a router; do
	on $at bash -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >"$f"; done'
done
start two a leaf $session --bind 10.77.8.2:4000
start a a leaf $session --bind 10.77.2.2:4000
open_root root $session --rate 8mbit --wait 2
ok "two leaves of one host join, and it answers by one interface" within 20 has_leaves root 2
feed "$lab/records" &
feeder=$!
ok "the stream has begun for both" within 10 begun 300
on a ip route add 10.77.1.0/24 via 10.77.8.1
wait $feeder
ok "the whole is sent to both" within 20 has_sent root 4000
close_root
for job in two a; do
	finish $job
	is "$job: the way back moved, and nothing is lost" \
		"$status $(check_records 1400 "$lab/$job.out")" "0 $(all_of 4000)"
done
test_end
