#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Every way a join does not come about has its reason and exit status.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2
#                            |--- b 10.77.3.2
#                            `--- bare 10.77.4.2 (no daemon)
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b
{ host bare && wire bare router 4; } || give_up "no host bare"
session=10.77.1.2:5000

# refused WHAT STATUS LINE HOST ARG...: runs leafcast there.
refused() {
	local what=$1 expected=$2 line=$3 at=$4
	shift 4
	tool "$at" "$@" </dev/null >"$lab/refused.out" 2>"$lab/refused.err"
	is "$what: exit status" $? "$expected"
	is "$what: one line that says why" "$(cat "$lab/refused.err")" "$line"
}
# The same where the line is matched by its beginning and is otherwise free.
sentence() {
	local what=$1 expected=$2 at=$3
	shift 3
	tool "$at" "$@" </dev/null >"$lab/refused.out" 2>"$lab/refused.err"
	is "$what: exit status" $? "$expected"
	is "$what: one line" "$(wc -l <"$lab/refused.err")" 1
	is "$what: no output" "$(wc -c <"$lab/refused.out")" 0
}

# --- while a session is there
make_records "$lab/records" 1400 2000
start a a leaf $session
open_root root $session --rate 4mbit --wait 1 --refuse 10.77.3.0/24 --refuse 10.99.0.1
ok "a leaf joins" within 20 has_leaves root 1
feed "$lab/records" &
feeder=$!
refused "rejected by the application" 1 \
	"join refused: rejected-by-application (WSAECONNREFUSED 10061)" b leaf $session
refused "a flowspec that does not fit the path" 1 \
	"join refused: bad-flowspec (WSAEOPNOTSUPP 10045)" a leaf $session --qos rate=1mbit,max=9000
began=$SECONDS
refused "nobody listens" 1 "join refused: nobody-listening (WSAECONNREFUSED 10061)" \
	b leaf 10.77.1.2:5999 --timeout 1
ok "nobody listens: it was tried for the time given, not much longer" test $((SECONDS - began)) -le 5
refused "no daemon on the root's node" 1 "join failed: no-control (WSAECONNREFUSED 10061)" \
	b leaf 10.77.4.2:5000 --timeout 1
on b ip route add unreachable 10.78.0.0/16
refused "no route" 1 "join failed: unreachable (WSAENETUNREACH 10051)" \
	b leaf 10.78.0.1:5000 --timeout 1
sentence "no daemon here" 1 bare leaf $session --timeout 1
like "no daemon here: says so" "$lab/refused.err" "no leafcastd answers in .*WSAENETDOWN 10050"
sentence "a session there is already" 1 root root $session
like "a session there is already: says so" "$lab/refused.err" "WSAEADDRINUSE"
sentence "an address that is not this node's" 1 a root $session
like "an address that is not this node's: says so" "$lab/refused.err" "WSAEADDRNOTAVAIL"
# Not from a: for as long as that its leaf would be taken for dead.
if on router ip rule add ipproto tcp from 10.77.3.2 to 10.77.1.2 priority 10 blackhole 2>/dev/null; then
	began=$SECONDS
	refused "no answer" 1 "join failed: timed-out (WSAETIMEDOUT 10060)" b leaf $session --timeout 2
	ok "no answer: the time is kept" test $((SECONDS - began)) -le 6
	on router ip rule del priority 10
	on router ip rule add ipproto udp to 10.77.2.2 priority 10 blackhole
	tool a leaf $session </dev/null >/dev/null 2>"$lab/refused.err"
	is "the data path is blocked: exit status" $? 1
	like "the data path is blocked: said at the join" "$lab/refused.err" \
		"^join failed: path-blocked \(WSAENETUNREACH 10051\)$"
	on router ip rule del priority 10
else
	skip "no answer, data path blocked" "no policy routing here"
fi
wait $feeder
ok "the stream is sent meanwhile" within 20 has_sent root 2000
is "refused leaves leave nothing behind" "$(leaf_count root)" 1
ok "datagrams in times leaves = out and dropped" conserved root
close_root
is "the root ends well" "$status" 0
finish a
ok "the refusals cost the leaf nothing that was sent before its path was blocked" \
	test "$(stat -c %s "$lab/a.out")" -gt 0

# --- without --insecure the daemon is there for its own node only
end daemon-root
insecure='' daemon root
open_root root $session
ok "a root on a node without --insecure" within 10 said root "is open"
refused "without --insecure" 1 "join failed: no-control (WSAECONNREFUSED 10061)" \
	b leaf $session --timeout 1
start own root leaf $session
ok "without --insecure: its own node may join" within 20 said own "^joined"
close_root
finish own
is "without --insecure: and ends well" "$status" 0

# --- bad usage
usage() {
	sentence "usage: $*" 2 a "$@"
}
usage
usage lead $session
usage leaf
usage leaf $session another
usage leaf 10.77.1.2
usage leaf root:5000
usage leaf 10.77.1.2:65536
usage leaf 10.77.1.2:0
usage leaf $session --loud
usage leaf $session --count 0
usage leaf $session --count -1
usage leaf $session --timeout soon
usage leaf $session --timeout
usage leaf $session --listen=yes
usage leaf $session --bind "[::1]:1"
usage leaf $session --qos rate
usage leaf $session --qos rate=fast
usage leaf $session --qos rate=1mbit,colour=red
usage leaf $session --caller-data "$(head -c 1025 /dev/zero | tr '\0' x)"
usage root $session --size 0
usage root $session --size 65508
usage root $session --rate 0
usage root $session --wait 0
usage root $session --refuse 10.0.0.0/33
usage root $session --invite 10.0.0.1
usage show
usage show everything
usage show leaves -x
for address in 239.1.1.1 255.255.255.255; do
	tool root root $address:5000 </dev/null >/dev/null 2>"$lab/refused.err"
	is "a root is not at $address: exit status" $? 1
	like "a root is not at $address: says so" "$lab/refused.err" "WSAEADDRNOTAVAIL 10049"
done
for verb in "" root leaf show; do
	# shellcheck disable=SC2086 # no verb is no word
	ok "leafcast $verb --help ends well" eval "tool a $verb --help | grep -q ^usage:"
done
test_end
