#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Kinds of devices and queues that hosts are found with and that a kernel made
# for development may lack: where a stock kernel's cannot be had in the guest,
# tests that need them would be skipped and nobody would notice.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "$0")/../netns/lib.sh"
test_begin
{ host one && on one ip link add eth0 type veth peer name far0; } || give_up "no host"

# queues DISCIPLINE ARG...: eth0 has it then.
queues() {
	on one tc qdisc replace dev eth0 root "$@" && [[ $(on one tc qdisc show dev eth0) == "qdisc $1 "* ]]
}
# is_device NAME KIND
is_device() { [[ $(on one ip -d -o link show "$1") == *" $2 "* ]]; }

ok "a VRF is to be had" on one ip link add vrf0 type vrf table 10
ok "and is one" is_device vrf0 vrf
ok "so is a VLAN device" on one ip link add link eth0 name eth0.7 type vlan id 7
ok "and is one" is_device eth0.7 vlan
ok "a bridge" on one ip link add bridge0 type bridge
ok "and is one" is_device bridge0 bridge
ok "packets can be late and lost: netem" queues netem delay 10ms loss 1%
ok "and in fair queues: fq" queues fq
test_end
