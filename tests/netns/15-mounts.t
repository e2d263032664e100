#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A daemon in a mount namespace of its own pins on the host's BPF file system,
# which outlives it; one of its own, which would not, is refused.
#
#   root 10.77.1.2 --- router
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/lib.sh"
test_begin
router router && host root && wire root router 1 || give_up "no hosts"
apart=(unshare --mount --propagation private)

timeout 20 nsenter --net="/run/netns/$lab_name-root" "${apart[@]}" bash -c '
	mount -t bpf bpf "$1" && shift && exec "$@"' - "$lab/bpf" "$build/leafcastd" \
	--runtime-dir "$lab/root.run" --bpf-dir "$lab/bpf/root" >"$lab/said.err" 2>&1 </dev/null
status=$?
if [[ -r /proc/1/mountinfo ]]; then
	is "a private bpffs: exit status" "$status" 1
	is "a private bpffs: one sentence" "$(wc -l <"$lab/said.err")" 1
	like "a private bpffs: says so" "$lab/said.err" "BPF file system of this mount namespace alone"
	is "a private bpffs: nothing has changed" "$(host_state root | grep -v '^eth')" "$untouched"
else
	skip "a private bpffs is refused" "the mounts of the first process cannot be read here"
fi

build_here=$build
build=$lab/apart
mkdir "$build"
printf '#!/bin/sh\nexec %s "%s/leafcastd" "$@"\n' "${apart[*]}" "$PWD/$build_here" >"$build/leafcastd"
chmod +x "$build/leafcastd"
ok "a daemon in a mount namespace of its own starts" daemon root
ok "it has a mount namespace of its own" test \
	"$(readlink /proc/self/ns/mnt)" != "$(readlink "/proc/${pid[daemon-root]}/ns/mnt")"
build=$build_here
numbers=$(on root ip -o link | cut -d: -f1,2)
ok "the host sees its pins" test -e "$lab/bpf/root/lc_config"
slay daemon-root
ok "its pins outlive it" test -e "$lab/bpf/root/lc_config"
ok "one in the host's mount namespace follows it" daemon root
is "the devices are the same" "$(on root ip -o link | cut -d: -f1,2)" "$numbers"
end daemon-root
build=$lab/apart
ok "and the other way round" daemon root
build=$build_here
is "the devices are the same still" "$(on root ip -o link | cut -d: -f1,2)" "$numbers"
test_end
