#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# However a daemon ends, what it made stays; `leafcastd --purge` alone takes it
# down, as often as one likes, and leaves what is not Leafcast's as it was.
#
#   root 10.77.1.2 --- router
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
router router && host root && wire root router 1 || give_up "no hosts"
on root sysctl -qw net.ipv4.conf.lo.accept_local=0 net.ipv4.conf.lo.route_localnet=7
# Others' things that look like ours.
on root bash -ec 'ip link add lc0.7 type veth peer name far0.7
	ip link add wordy0 type veth peer name wordy1
	ip link set wordy0 alias "leafcast uplink"
	ip link add bridge0 type bridge && ip link set bridge0 alias leafcast
	ip route add 239.255.128.0/17 dev eth0' || give_up "no links"
mkdir "$lab/bpf/others"
# All but what changes by itself.
everything() {
	host_state root
	on root ip -o route show table all | sort
	on root ip -o address | sed 's/valid_lft.*//' | sort
	ls "$lab/bpf" | grep -v '\.debug$'
}
settled() { ! on root ip address show tentative | grep -q inet6; }
ok "addresses are settled" within 20 settled
before=$(everything)
# purge_says WHAT STATUS REGEX: one sentence that matches, that status.
purge_says() {
	: >"$lab/purge-root.err"
	timeout 20 "${purge_by[@]}" "$build/leafcastd" --purge --runtime-dir "$lab/root.run" \
		--bpf-dir "$lab/bpf/root" >"$lab/said.err" 2>&1 </dev/null
	is "$1: exit status" $? "$2"
	is "$1: one sentence" "$(wc -l <"$lab/said.err")" 1
	like "$1: says so" "$lab/said.err" "$3"
}
purge_by=(nsenter --net="/run/netns/$lab_name-root")
all_is_there() {
	local device
	for device in lc0 lc1 ls0 ls1; do on root ip link show $device >/dev/null 2>&1 || return; done
	[[ -e $lab/bpf/root/lc_config && $(on root sysctl -n net.ipv4.conf.lo.accept_local) == 1 ]]
}

purge_says "without anything" 0 "nothing to take down"
is "nothing has changed" "$(everything)" "$before"

daemon root || give_up "no daemon"
ok "a daemon has changed something" test "$(everything)" != "$before"
purge_says "beside a daemon" 1 "pid ${pid[daemon-root]}\)"
ok "beside a daemon: all is there" all_is_there
kill -STOP "${pid[daemon-root]}"
for i in {1..80}; do
	timeout 20 "${purge_by[@]}" "$build/leafcastd" --purge --runtime-dir "$lab/another.run" \
		--bpf-dir "$lab/bpf/root" >"$lab/said.err" 2>&1 </dev/null && break
	grep -q "pid ${pid[daemon-root]})" "$lab/said.err" || break
done
is "beside a stopped daemon, which answers nobody: refused each time, and its pid named" "$i" 80
ok "beside a stopped daemon: all is there" all_is_there
kill -CONT "${pid[daemon-root]}"

end daemon-root
is "a daemon ends with 0" "$status" 0
ok "after its end all is there" all_is_there
purge_says "after a stop" 0 "taken down"
is "after a stop: all is as before" "$(everything)" "$before"
purge_says "once more" 0 "nothing to take down"
is "once more: all is as before" "$(everything)" "$before"

daemon root || give_up "no second daemon"
kill -HUP "${pid[daemon-root]}"
ok "SIGHUP ends a daemon" within 10 gone "${pid[daemon-root]}"
end daemon-root
ok "and all is there" all_is_there
ok "a daemon starts where one has been" daemon root
slay daemon-root
ok "after kill -9 all is there" all_is_there
ok "a daemon starts where one was killed" daemon root
slay daemon-root
purge_says "after kill -9" 0 "taken down"
is "after kill -9: all is as before" "$(everything)" "$before"
ok "no socket is left either" test ! -e "$lab/root.run/socket"

# What stays when somebody has removed the pins, or the devices
daemon root || give_up "no third daemon"
slay daemon-root
rm -f "$lab/bpf/root"/lc_*
rmdir "$lab/bpf/root"
purge_says "without pins" 0 "taken down"
is "without pins: all is as before" "$(everything)" "$before"
daemon root || give_up "no fourth daemon"
slay daemon-root
rm -f "$lab/bpf/root"/lc_*
ok "a daemon starts without the pins of its predecessor" daemon root
slay daemon-root
purge_says "after one that found no pins" 0 "taken down"
is "after one that found no pins: all is as before" "$(everything)" "$before"
daemon root || give_up "no fifth daemon"
slay daemon-root
on root ip link del lc0
purge_says "without devices" 0 "taken down"
is "without devices: all is as before" "$(everything)" "$before"

# A plane whose daemon is away keeps its devices, whoever starts or purges with another directory.
# with DIRECTORY STATUS REGEX WHAT ARG...: one sentence that matches, that status.
with() {
	local directory=$1 expected=$2 regex=$3 what=$4
	shift 4
	timeout 20 "${purge_by[@]}" "$build/leafcastd" --runtime-dir "$lab/root.run" --bpf-dir "$directory" \
		"$@" >"$lab/said.err" 2>&1 </dev/null
	is "$what: exit status" $? "$expected"
	is "$what: one sentence" "$(wc -l <"$lab/said.err")" 1
	like "$what: says so" "$lab/said.err" "$regex"
}
programs() {
	on root tc filter show dev lc0 egress
	on root tc filter show dev ls1 ingress
	on root ip -o link | cut -d: -f1,2
}
mine=$lab/bpf/root other=$lab/bpf/other
daemon root || give_up "no sixth daemon"
slay daemon-root
running=$(programs)
with "$other" 1 "pinned in $mine, .*--bpf-dir $mine, .*leafcastd --purge --bpf-dir $mine\`" \
	"a start with another directory"
ok "a start with another directory: all is there" all_is_there
is "a start with another directory: the same devices and programs" "$(programs)" "$running"
ok "a start with another directory: nothing is pinned there" test ! -e "$other"
with "$other" 0 "nothing to take down in $other; .*pinned in $mine, .*leafcastd --purge --bpf-dir $mine\`" \
	"a purge of another directory" --purge
daemon router --bpf-dir "$other" || give_up "no daemon of that directory"
slay daemon-router
with "$other" 0 "pins in $other; .*pinned in $mine, .*leafcastd --purge --bpf-dir $mine\`" \
	"a purge of another plane" --purge
ok "a purge of another plane: it is gone" test ! -e "$other"
ok "a purge of another plane: all is there" all_is_there
is "a purge of another plane: the same devices and programs" "$(programs)" "$running"
ok "the same directory by another name" daemon root --bpf-dir "$mine/../root"
slay daemon-root

# Without its pins they are leftovers: a start that fails leaves what it found, and no more.
rm -f "$mine"/lc_*
rmdir "$mine"
links=$(on root ip -o link | cut -d: -f1,2)
with "$other" 1 "nosuch0" "a start over leftovers that fails" --insecure --interface nosuch0
is "a start over leftovers that fails: the same devices" "$(on root ip -o link | cut -d: -f1,2)" "$links"
is "a start over leftovers that fails: lo admits still" "$(on root sysctl -n net.ipv4.conf.lo.accept_local)" 1
ok "a start over leftovers that fails: nothing is pinned" test ! -e "$other"
ok "a start over leftovers" daemon root --bpf-dir "$other"
slay daemon-root
is "a start over leftovers: the same devices" "$(on root ip -o link | cut -d: -f1,2)" "$links"
with "$mine" 1 "pinned in $other, " "a start with the directory that they are of no more"
with "$other" 0 "all is taken down" "a purge of leftovers" --purge
is "a purge of leftovers: all is as before" "$(everything)" "$before"

# Devices of a version that remembers nothing of lo.
daemon root || give_up "no seventh daemon"
slay daemon-root
rm -f "$mine"/lc_*
for device in lc0 lc1 ls0 ls1; do on root ip link set $device alias leafcast; done
ok "a daemon starts where nobody knows how lo was" daemon root
slay daemon-root
purge_says "where nobody knows how lo was" 0 "accept_local and route_localnet are left as they are"
on root sysctl -qw net.ipv4.conf.lo.accept_local=0 net.ipv4.conf.lo.route_localnet=7
is "where nobody knows how lo was: all else is as before" "$(everything)" "$before"

# Who squats at the claim keeps nobody from starting.
(exec nsenter --net="/run/netns/$lab_name-root" setpriv --reuid=65534 --regid=65534 --clear-groups \
	perl -MSocket=:DEFAULT,SOCK_NONBLOCK -e '
	my $name = pack("S", AF_UNIX) . "\0leafcastd";
	my ($held, @clients);
	socket($held, AF_UNIX, SOCK_SEQPACKET, 0) && bind($held, $name) && listen($held, 0) or die $!;
	for my $i (0 .. 2) {
		socket(my $client, AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		connect($client, $name);
		push @clients, $client;
	}
	$| = 1; print "squats\n"; sleep 60;' >"$lab/squatter.out" 2>&1) &
pid[squatter]=$!
ok "a stranger squats" within 20 grep -q squats "$lab/squatter.out"
ok "a daemon starts beside one who squats and answers nobody" daemon root
end squatter
end daemon-root
purge_says "after that" 0 "taken down"
is "after that: all is as before" "$(everything)" "$before"
test_end
