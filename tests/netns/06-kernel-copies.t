#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# The kernel copies: with every daemon stopped in mid-stream, copies, policing
# and counters go on, and the root node sends each datagram once.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2
#                            |--- b 10.77.3.2
#                            `--- c 10.77.4.2 (held to 1 mbit/s)
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b c
session=10.77.1.2:5000
records=4000 # at 12 mbit/s about four seconds
make_records "$lab/records" 1400 $records

udp_sent() { on root awk '/^Udp:/ && $2 ~ /^[0-9]/ { print $5 }' /proc/net/snmp; }
sent_by_now() { sessions root | jq '.sessions[0].datagrams'; }

start a a leaf $session
start b b leaf $session
start c c leaf $session --bind 10.77.4.2:4000 --qos rate=1mbit,bucket=15000
open_root root $session --rate 12mbit --wait 3
ok "three leaves join" within 20 has_leaves root 3
sent_before=$(udp_sent)
feed "$lab/records" &
feeder=$!
begun() { (($(sent_by_now) > 300)); }
ok "the stream has begun" within 20 begun

for at in root a b c; do kill -STOP "${pid[daemon-$at]}"; done
sent=$(sent_by_now)
copies=$(leaf root 10.77.4.2:4000 .datagrams)
drops=$(leaf root 10.77.4.2:4000 '.drops["over-rate"]')
sleep 2
note "sent while the daemons are stopped: $(($(sent_by_now) - sent))"
ok "the session's counter goes on" test "$(sent_by_now)" -gt $((sent + 500))
ok "copies go on" test "$(leaf root 10.77.4.2:4000 .datagrams)" -gt $((copies + 50))
ok "policing goes on" test "$(leaf root 10.77.4.2:4000 '.drops["over-rate"]')" -gt $((drops + 500))
for at in root a b c; do kill -CONT "${pid[daemon-$at]}"; done

wait $feeder
ok "the whole is sent" within 20 has_sent root $records
after=$(udp_sent)
is "the root node's Udp: OutDatagrams grew by what was sent, not times three" \
	$((after - sent_before)) $records
ok "datagrams in times leaves = out and dropped" conserved root
is "all three are still members" "$(leaf_count root)" 3
close_root
is "the root ends well" "$status" 0
for at in a b; do
	finish $at
	is "$at has every record" "$status $(check_records 1400 "$lab/$at.out")" "0 $(all_of $records)"
done
finish c
is "c ends well" "$status" 0
ok "and has less" test "$(stat -c %s "$lab/c.out")" -lt $((records * 1400 / 4))
test_end
