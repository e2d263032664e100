#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Without what it needs the daemon says in one sentence what is missing, and
# leaves nothing behind.
#
#   root 10.77.1.2 --- router
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
router router && host root && wire root router 1 || give_up "no hosts"
# Where another user can reach the program and its library.
chmod 755 "$lab"
install -m 755 "$build/leafcastd" "$lab/leafcastd"

# missing WHAT STATUS REGEX COMMAND...: one sentence that matches, that status, nothing left.
missing() {
	local what=$1 expected=$2 regex=$3
	shift 3
	timeout 20 nsenter --net="/run/netns/$lab_name-root" "$@" >"$lab/said.err" 2>&1 </dev/null
	is "$what: exit status" $? "$expected"
	is "$what: one sentence" "$(wc -l <"$lab/said.err")" 1
	like "$what: says so" "$lab/said.err" "$regex"
	ok "$what: no device is left" eval "! on root ip link show lc0 >/dev/null 2>&1"
	is "$what: nothing is pinned" "$(ls -I '*.debug' "$lab/bpf")" ""
}
mkdir "$lab/run" "$lab/plain"
chmod 777 "$lab/run"
missing "an ordinary user" 1 "privilege|CAP_|permit|root" \
	setpriv --reuid=65534 --regid=65534 --clear-groups "$lab/leafcastd" \
	--runtime-dir "$lab/run/user" --bpf-dir "$lab/bpf/user"
missing "a user with CAP_NET_ADMIN but without CAP_BPF" 1 "privilege|CAP_|permit|root" \
	setpriv --bounding-set -bpf,-perfmon,-sys_admin --inh-caps -all "$lab/leafcastd" \
	--runtime-dir "$lab/run/few" --bpf-dir "$lab/bpf/few"
missing "no bpffs" 1 "bpffs|BPF file ?system" \
	"$lab/leafcastd" --runtime-dir "$lab/run/plain" --bpf-dir "$lab/plain/leafcast"
missing "a runtime directory that cannot be" 1 "$lab/said.err" \
	"$lab/leafcastd" --runtime-dir "$lab/said.err/x" --bpf-dir "$lab/bpf/file"
missing "an interface that is not there" 1 "nosuch0" \
	"$lab/leafcastd" --runtime-dir "$lab/run/if" --bpf-dir "$lab/bpf/if" --insecure --interface nosuch0
missing "a control address that is not ours" 1 "192.0.2.1" \
	"$lab/leafcastd" --runtime-dir "$lab/run/control" --bpf-dir "$lab/bpf/control" \
	--insecure --control 192.0.2.1:19750
missing "an unknown option" 2 "--colour" "$lab/leafcastd" --colour red
missing "an argument" 2 "now" "$lab/leafcastd" now

# A second daemon takes nothing of the first for leftovers, in mid-stream.
daemon root || give_up "no daemon"
make_records "$lab/records" 1400 2000
start leaf root leaf 10.77.1.2:5000
open_root root 10.77.1.2:5000 --rate 10mbit --wait 1
feed "$lab/records" &
feeder=$!
# second WHAT HOST RUNTIME-DIR BPF-DIR
second() {
	timeout 20 nsenter --net="/run/netns/$lab_name-$2" "$lab/leafcastd" \
		--runtime-dir "$3" --bpf-dir "$4" >"$lab/said.err" 2>&1
	is "$1: exit status" $? 1
	is "$1: one sentence" "$(wc -l <"$lab/said.err")" 1
	like "$1: says so" "$lab/said.err" "another leafcastd \\(pid ${pid[daemon-root]}\\)"
}
second "a second daemon in the same runtime directory" root "$lab/root.run" "$lab/bpf/second"
second "a second daemon in the same network namespace" root "$lab/run/second" "$lab/bpf/second"
second "a second daemon with the same pins" router "$lab/run/second" "$lab/bpf/root"
wait $feeder
ok "the whole is sent" within 20 has_sent root 2000
ok "datagrams in times leaves = out and dropped" conserved root
close_root
is "the root of the first ends well" "$status" 0
finish leaf
is "its leaf lost nothing" "$(check_records 1400 "$lab/leaf.out")" "$(all_of 2000)"
ok "the first still serves" eval "tool root show sessions -j | jq -e .sessions >/dev/null"
ok "a root opens" eval "tool root root 10.77.1.2:5000 </dev/null 2>/dev/null"

tool root show sessions --bpf-dir "$lab/bpf/nobody" >"$lab/said.out" 2>"$lab/said.err"
is "show without pins: exit status" $? 1
is "show without pins: one sentence" "$(wc -l <"$lab/said.err")" 1
is "show without pins: no output" "$(wc -c <"$lab/said.out")" 0
test_end
