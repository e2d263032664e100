#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A start that is killed at any call that changes something, and a purge too,
# leave a state from which the next start succeeds and the next purge cleans.
#
#   root 10.77.1.2 --- router
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
# All of them: make test-long.
stride=5
[[ ${LONG-} ]] && stride=1
router router && host root && wire root router 1 || give_up "no hosts"
on root sysctl -qw net.ipv4.conf.lo.accept_local=0 net.ipv4.conf.lo.route_localnet=7
before=$(host_state root | grep -v '^eth')
as_before() { [[ $(host_state root | grep -v '^eth') == "$before" && ! -e $lab/bpf/root ]]; }

# killed NUMBER ARG...: leafcastd, killed before its NUMBERth such call.
killed() {
	local number=$1
	shift
	timeout 60 nsenter --net="/run/netns/$lab_name-root" "$build/tests/netns/killed_at" "$number" \
		"$build/leafcastd" --runtime-dir "$lab/root.run" --bpf-dir "$lab/bpf/root" "$@" \
		>"$lab/killed.err" 2>&1 </dev/null
}
starts() {
	daemon root && slay daemon-root && on root ip link show lc0 >/dev/null
}

calls=0 unclean=
while killed $((calls + 1)) --insecure; do
	calls=$((calls + stride))
	# Every other time the purge finds what the killed one left as it is.
	((calls % 2)) || starts 2>/dev/null || unclean+=" start:$calls"
	purge root && as_before || unclean+=" purge:$calls"
done
purge root
note "a start makes $calls calls that change something"
ok "a start makes more than twenty calls that change something" test $calls -gt 20
is "wherever a start is killed, the next succeeds and a purge cleans" "$unclean" ""

# The same where there is something to adopt: the devices stay the same ones.
starts || give_up "no daemon"
devices=$(on root ip -o link | sed 's/:.*//')
calls=0 unclean=
while killed $((calls + 1)) --insecure; do
	calls=$((calls + stride))
	[[ $(on root ip -o link | sed 's/:.*//') == "$devices" ]] || unclean+=" devices:$calls"
done
ok "an adoption makes more than five calls that change something" test $calls -gt 5
is "wherever an adoption is killed, the devices stay" "$unclean" ""
ok "and the next start succeeds" starts
is "with the same devices" "$(on root ip -o link | sed 's/:.*//')" "$devices"

calls=0 unclean=
while killed $((calls + 1)) --purge; do
	calls=$((calls + stride))
	purge root && as_before || unclean+=" $calls"
	starts 2>/dev/null || unclean+=" start:$calls"
done
ok "a purge makes more than five calls that change something" test $calls -gt 5
is "wherever a purge is killed, the next one cleans" "$unclean" ""
ok "a purge that is not killed cleans" as_before
test_end
