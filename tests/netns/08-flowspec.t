#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A leaf with a flowspec gets 98-100 % of its rate, and never above rT + b.
#
#   root 10.77.1.2 --- router --- a 10.77.2.2 (2 mbit/s, controlled load)
#                            |--- b 10.77.3.2 (1 mbit/s, guaranteed)
#                            `--- c 10.77.4.2 (no limit)
#
# Runs alone: it measures.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
star root a b c
session=10.77.1.2:5000
records=11000 # at 10 mbit/s 12.6 s
make_records "$lab/records" 1400 $records
bucket=15000


start a a leaf $session --bind 10.77.2.2:4000 --qos rate=2mbit,bucket=$bucket,service=controlledload
start b b leaf $session --bind 10.77.3.2:4000 --qos rate=1mbit,bucket=$bucket,max=1500,service=guaranteed
start c c leaf $session
open_root root $session --rate 10mbit --wait 3
ok "three leaves join" within 20 has_leaves root 3
is "the flowspec can be seen" "$(leaf root 10.77.2.2:4000 '.flow | [.rate_bytes_per_s, .bucket_bytes, .service] | @csv')" \
	"250000,$bucket,\"controlledload\""
start_us=$(now_us)
feed "$lab/records" &
feeder=$!
sleep 1
rates_hold root $start_us $feeder $records $bucket "10.77.2.2:4000 250000" "10.77.3.2:4000 125000"
ok "datagrams in times leaves = out and dropped" conserved root
got_a=$(leaf root 10.77.2.2:4000 .datagrams)
close_root
for at in a b c; do finish $at; done
is "c, without a limit, has every record" "$(check_records 1400 "$lab/c.out")" "$(all_of $records)"
is "a has what was copied to it" "$(stat -c %s "$lab/a.out")" $((got_a * 1400))

# --- the bucket starts full, and is all there is of a burst
make_records "$lab/burst" 1000 100
start a a leaf $session --bind 10.77.2.2:4000 --qos rate=8kbit,bucket=10280
open_root root $session --size 1000 --wait 1
within 20 has_leaves root 1
feed "$lab/burst"
within 20 has_sent root 100
# 10280 bytes are ten datagrams of 1028; at 1000 bytes a second one more is a second away.
ok "a burst passes as far as the bucket goes" between "$(leaf root 10.77.2.2:4000 .datagrams)" 10 11
close_root
finish a

# --- the largest datagram of the flow
start a a leaf $session --bind 10.77.2.2:4000 --qos rate=10mbit,max=1000
open_root root $session --size 1000 --wait 1
within 20 has_leaves root 1
feed "$lab/burst"
within 20 has_sent root 100
is "datagrams above max do not pass and are counted" \
	"$(leaf root 10.77.2.2:4000 '[.datagrams, .drops.oversize] | @csv')" "0,100"
close_root
finish a

# --- the root's own flowspec, and the minimum of both
start a a leaf $session --bind 10.77.2.2:4000 --qos rate=4mbit,bucket=30000
open_root root $session --size 1000 --rate 10mbit --wait 1 --qos rate=1kbps,bucket=5140
within 20 has_leaves root 1
feed "$lab/burst"
within 20 has_sent root 100
ok "the root is held to its own flowspec" between "$(sessions root | jq '.sessions[0].datagrams')" 5 6
ok "what it sent above is counted" between \
	"$(sessions root | jq '.sessions[0].drops["sender-over-rate"]')" 94 95
close_root
finish a
test_end
