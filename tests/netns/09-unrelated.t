#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Traffic that is not ours is untouched: TCP, other multicast, routes, offloads.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2
#     `----------- b 10.77.3.2 (direct, for link-local multicast)
#
# Runs alone: it measures.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
router router && host root && wire root router 1 && host a && wire a router 2 &&
	host b && wire b root 3 || give_up "no hosts"

state() {
	# The pool of channels is ours.
	on root ip -4 route show table main | grep -v "^multicast 239.255.0.0/17 dev lc0"
	on root ip -6 route show table main
	on root ip route get 239.255.255.250
	on root ip -6 route get ff02::c oif to-b
	on root ip address show dev eth0 | grep -v valid_lft
	on root tc qdisc show dev eth0
	on root tc filter show dev eth0
	for device in eth0 to-b; do on root ethtool -k $device; done
	on a ethtool -k eth0
}
# Megabytes a second over TCP from root to a, the best of three.
tcp_speed() {
	local best=0 speed i
	for i in 1 2 3; do
		on a perl -MIO::Socket::INET -e '
			my $l = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => 7000, Listen => 1, ReuseAddr => 1) or die;
			my $c = $l->accept; my $n = 0; my $b;
			while (my $r = sysread $c, $b, 1 << 20) { $n += $r }
			print "$n\n"' >"$lab/tcp.out" &
		sleep 0.3
		speed=$(on root perl -MIO::Socket::INET -MTime::HiRes=time -e '
			my $s = IO::Socket::INET->new(PeerAddr => "10.77.2.2", PeerPort => 7000) or die;
			my $b = "x" x (1 << 20); my $t = time;
			for (1 .. 200) { my $o = 0; while ($o < length $b) { $o += syswrite($s, $b, length($b) - $o, $o) // die } }
			shutdown $s, 1; sysread $s, my $e, 1;
			printf "%d\n", 200 / (time - $t)')
		wait $!
		[[ $(cat "$lab/tcp.out") == $((200 << 20)) ]] || return 1
		((speed > best)) && best=$speed
	done
	echo "$best"
}
# A datagram of another multicast user from root arrives at b.
multicast() {
	local group=$1
	on b timeout 5 perl -MSocket=:all -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
		bind $s, pack_sockaddr_in(1900, INADDR_ANY) or die;
		setsockopt $s, IPPROTO_IP, IP_ADD_MEMBERSHIP, inet_aton($ARGV[0]) . inet_aton("10.77.3.2") or die;
		open my $ready, ">", $ARGV[1]; close $ready;
		recv $s, my $got, 100, 0; print $got' "$group" "$lab/ready" >"$lab/multicast.out" &
	local receiver=$!
	within 5 test -e "$lab/ready"
	on root perl -MSocket=:all -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
		setsockopt $s, IPPROTO_IP, IP_MULTICAST_IF, inet_aton("10.77.3.1") or die;
		send $s, "hello", 0, pack_sockaddr_in(1900, inet_aton($ARGV[0])) or die' "$group"
	wait $receiver
	rm -f "$lab/ready"
	[[ $(cat "$lab/multicast.out") == hello ]]
}

# Link-local addresses take their time.
settled() { [[ -z $(on root ip -6 address show tentative) ]]; }
within 10 settled
state >"$lab/before"
speed_before=$(tcp_speed) || give_up "no TCP"
ok "SSDP works without Leafcast" multicast 239.255.255.250

for at in root a b; do daemon $at || give_up "no daemon on $at"; done
make_records "$lab/records" 1400 2000
start a a leaf 10.77.1.2:5000
start b b leaf 10.77.1.2:5000
open_root root 10.77.1.2:5000 --rate 4mbit --wait 2
ok "two leaves join" within 20 has_leaves root 2
feed "$lab/records" &
feeder=$!
speed_with=$(tcp_speed)
note "TCP: $speed_before MB/s before, $speed_with MB/s with a session"
ok "TCP through the same devices is complete" test "${speed_with:-0}" -gt 0
ok "and keeps its speed" test "${speed_with:-0}" -ge $((speed_before / 2))
ok "SSDP still works" multicast 239.255.255.250
ok "and so does multicast outside our pool" multicast 239.192.1.1
state >"$lab/with"
ok "routes, addresses, queueing and offloads are as before" diff "$lab/before" "$lab/with"
wait $feeder
within 20 has_sent root 2000
ok "datagrams in times leaves = out and dropped" conserved root
close_root
for at in a b; do
	finish $at
	is "$at has every record meanwhile" "$(check_records 1400 "$lab/$at.out")" "$(all_of 2000)"
done
for at in root a b; do daemon_ended_well $at; done
state >"$lab/after"
ok "and when the daemons have gone" diff "$lab/before" "$lab/after"
test_end
