# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# shellcheck shell=bash
#
# The nodes that scripts/bench measures on, sourced by it after scripts/netns.sh.
#
# Each tree has two nodes, a root's and its leaves', with 31 veths between them:
#
#   <tree>-root  lo 10.77.0.1   l0 10.78.0.1 --- l0 10.78.0.2    <tree>-leaf
#                lc0            ...                              each l<i>: tc ingress counts
#                m0 (mirred)    l30         --- l30 10.78.30.2   and drops
#
#   nodes TREE               both nodes with their daemons, of the build in ${tree[TREE]}
#   root_address FAMILY, leaf_addresses FAMILY N
#   all_mirrors              what tc mirred needs, for tc -batch
#   group N FAMILY           the group that it copies to the first N leaves
#   sinks TREE, sunk TREE    from now on copies are counted and dropped; how many there were

most_leaves=31 # tc takes 32 actions in a filter

root_address() { case $1 in ipv4) echo 10.77.0.1 ;; ipv6) echo fd77::1 ;; esac; }
leaf_addresses() {
	local i
	for ((i = 0; i < $2; i++)); do
		case $1 in ipv4) echo "10.78.$i.2" ;; ipv6) printf 'fd78:%x::2\n' $i ;; esac
	done
}

# Neighbours are permanent, so that nothing but datagrams is on the wires while these are measured.
wires() {
	local a=$lab_name-$1-root b=$lab_name-$1-leaf i mac
	echo "link add m0 netns $a type veth peer name m1 netns $a"
	for ((i = 0; i < most_leaves; i++)); do
		mac=$(printf '00:00:%02x' $i)
		echo "link add l$i netns $a address 02:01:00:$mac type veth peer name l$i netns $b address 02:02:00:$mac"
	done
}
root_side() {
	local i mac six
	printf '%s\n' "address add 10.77.0.1/32 dev lo" "address add fd77::1/128 dev lo" \
		"link set m0 up" "link set m1 up"
	for ((i = 0; i < most_leaves; i++)); do
		mac=$(printf '00:00:%02x' $i) six=$(printf 'fd78:%x:' $i)
		printf '%s\n' "address add 10.78.$i.1/24 dev l$i" "address add $six:1/64 dev l$i nodad" \
			"link set l$i up" "neigh add 10.78.$i.2 lladdr 02:02:00:$mac dev l$i" \
			"neigh add $six:2 lladdr 02:02:00:$mac dev l$i"
	done
}
# The way back is by the leaf's own device.
leaf_side() {
	local i mac six
	for ((i = 0; i < most_leaves; i++)); do
		mac=$(printf '00:00:%02x' $i) six=$(printf 'fd78:%x:' $i)
		printf '%s\n' "address add 10.78.$i.2/24 dev l$i" "address add $six:2/64 dev l$i nodad" \
			"link set l$i up" "neigh add 10.78.$i.1 lladdr 02:01:00:$mac dev l$i" \
			"neigh add $six:1 lladdr 02:01:00:$mac dev l$i" \
			"rule add from 10.78.$i.2 lookup $((100 + i))" \
			"route add default via 10.78.$i.1 dev l$i table $((100 + i))" \
			"route add default via $six:1 dev l$i table $((100 + i))"
	done
	printf '%s\n' "route add default via 10.78.0.1" "route add default via fd78:0::1"
}
# ip(8) takes the family of a rule from its command line only.
leaf_rules6() {
	local i
	for ((i = 0; i < most_leaves; i++)); do
		printf 'rule add from fd78:%x::2 lookup %d\n' $i $((100 + i))
	done
}

# Only when all have joined: a join sends a probe along the data's path.
sinks() {
	local i
	# From there, as libbpf changes the dots of a path.
	(cd "$lab/bpf" && bpftool prog load "$programs/sink.bpf.o" "sink-$1" type classifier \
		pinmaps "sunk-$1" 2>/dev/null) || return
	for ((i = 0; i < most_leaves; i++)); do
		printf '%s\n' "qdisc add dev l$i clsact" \
			"filter add dev l$i ingress bpf da object-pinned $lab/bpf/sink-$1"
	done | on "$1-leaf" tc -batch -
}
# Datagrams that have come to a tree's leaves, ever.
sunk() {
	bpftool -j map dump pinned "$lab/bpf/sunk-$1/sunk" | jq '[.[0].formatted.values[].value] | add'
}

# The group that tc mirred copies to so many leaves.
group() { case $2 in ipv4) echo "239.77.0.$1" ;; ipv6) printf 'ff15::%x\n' "$1" ;; esac; }
mirrors() {
	local n=$1 family=$2 i match="ip dst" bits=32 protocol=ip priority=1
	[[ $family == ipv4 ]] || match="ip6 dst" bits=128 protocol=ipv6 priority=2
	printf 'filter add dev m0 egress protocol %s prio %d u32 match %s %s/%d' \
		$protocol $priority "$match" "$(group "$n" "$family")" $bits
	for ((i = 0; i < n - 1; i++)); do printf ' action mirred egress mirror dev l%d' $i; done
	printf ' action mirred egress redirect dev l%d\n' $i
}
all_mirrors() {
	local n family
	echo "qdisc add dev m0 clsact"
	for family in ipv4 ipv6; do for n in 8 31; do mirrors $n $family; done; done
}

nodes() {
	local with=$1
	host "$with-root" && host "$with-leaf" || give_up "no network namespaces"
	wires "$with" | ip -batch - && root_side | on "$with-root" ip -batch - &&
		leaf_side | on "$with-leaf" ip -batch - && leaf_rules6 | on "$with-leaf" ip -6 -batch - || give_up "no wires"
	build=${tree[$with]} daemon "$with-root" && build=${tree[$with]} daemon "$with-leaf" ||
		give_up "no daemons"
}
