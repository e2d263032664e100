#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# The root invites leaves; data goes both ways, and a leaf's to the root only.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2
#                            |--- b 10.77.3.2
#                            `--- c 10.77.4.2
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b c
session=10.77.1.2:5000
make_records "$lab/records" 1400 500
make_records "$lab/a.in" 1400 300
echo "one line from b" >"$lab/b.in"

start a a leaf $session --bind 10.77.2.2:4000 --listen --send --caller-data "a is here"
start b b leaf 10.77.3.2:4000 --listen --send
start c c leaf $session
for at in a b; do ok "$at listens" within 10 said $at "^listening"; done
open_root root $session --rate 10mbit --wait 3 --invite 10.77.2.2:4000 --invite 10.77.3.2:4000 \
	--callee-data "come in"
ok "two are invited and one joins" within 20 has_leaves root 3
feed "$lab/records"
ok "the records are sent" within 20 has_sent root 500
ok "datagrams in times leaves = out and dropped" conserved root
# An accepted socket has a port of its own.
arrived() { [[ $(leaves root | jq ".leaves[] | select(.leaf | startswith(\"$1:\")) | .up_datagrams") == "$2" ]]; }
ok "what a sent is counted at the root" within 10 arrived 10.77.2.2 300
ok "and b's line" within 10 arrived 10.77.3.2 1
close_root
is "the root ends well" "$status" 0
for at in a b c; do
	finish $at
	is "$at ends well" "$status" 0
	is "$at has every record and nothing of another leaf's" \
		"$(check_records 1400 "$lab/$at.out")" "$(all_of 500)"
done
is "the root has what the leaves sent, no more" \
	"$(stat -c %s "$lab/root.out")" $((300 * 1400 + $(stat -c %s "$lab/b.in")))
ok "b's line is in it" grep -aqF "one line from b" "$lab/root.out"
is "and a's records are whole" \
	"$(perl -0777 -pe 's/one line from b\n//' "$lab/root.out" | tests/netns/records check 1400)" \
	"$(all_of 300)"
like "the invited leaf says what it joined" "$lab/a.err" "^joined 10.77.1.2:5000 as 10.77.2.2:[0-9]+$"
like "it got the root's data with the invitation" "$lab/a.err" "^caller-data: come in$"
like "the root got its answer" "$lab/root.err" "^callee-data: a is here$"

# --- strangers: neither to the root nor to a leaf nor into the session
start a a leaf $session --bind 10.77.2.2:4000
open_root root $session --wait 1
ok "a leaf joins" within 20 has_leaves root 1
channel=$(sessions root | jq -r '.sessions[0].channel')
on b bash -c 'echo stranger >/dev/udp/10.77.2.2/4000; echo stranger >/dev/udp/10.77.1.2/5000'
# Not connected: a connected socket would have a source, and with it another route.
on root perl -MSocket -e 'socket my $s, AF_INET, SOCK_DGRAM, 0 or die;
	send $s, "stranger", 0, pack_sockaddr_in($ARGV[1], inet_aton $ARGV[0]) or die' "${channel%:*}" "${channel##*:}"
member_drops() { [[ $(leaves "$1" | jq ".members[0].drops[\"$2\"]") -ge 1 ]]; }
ok "a stranger's datagram to the leaf is dropped and counted" within 5 member_drops a wrong-source
ok "one to the root too" within 5 member_drops root wrong-source
foreign() { [[ $(tool root show drops -j | jq '.drops["foreign-sender"]') -ge 1 ]]; }
ok "one into the session's channel by another socket too" within 5 foreign
close_root
finish a
is "none of it reached the leaf" "$(stat -c %s "$lab/a.out")" 0
is "nor the root" "$(stat -c %s "$lab/root.out")" 0

# --- invitations that come to nothing
start a a leaf 10.77.9.9:1 --bind 10.77.2.2:4000 --listen --timeout 15
start b b leaf 10.77.3.2:4000 --listen
for at in a b; do within 10 said $at "^listening"; done
cp "$lab/records" "$lab/root.plain.in"
start root.plain root root $session --rate 20mbit --wait 1 \
	--invite 10.77.2.2:4000 --invite 10.77.4.2:4999 --invite 10.77.3.2:4000
finish root.plain
is "a root with a refused invitation ends with 1" "$status" 1
like "a leaf that waits for another root rejects" "$lab/root.plain.err" \
	"^invitation of 10.77.2.2:4000 refused: rejected-by-application \(WSAECONNREFUSED 10061\)$"
like "nobody listens" "$lab/root.plain.err" \
	"^invitation of 10.77.4.2:4999 refused: nobody-listening \(WSAECONNREFUSED 10061\)$"
finish b
is "the one that came has every record all the same" \
	"$(check_records 1400 "$lab/b.out")" "$(all_of 500)"
finish a 20
is "a leaf that is not invited in time ends with 1" "$status" 1
like "and says so" "$lab/a.err" "^join failed: timed-out \(WSAETIMEDOUT 10060\)$"
test_end
