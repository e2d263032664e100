# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Reads `readelf -Wsr` of one module's objects and says which of its files go
# in a circle, and which do not keep the module's order. For scripts/circles,
# which tells the rules.
#   -v module=NAME -v order="a < b, c < d" (empty: it states none)
#   -v files=N, so many objects must be seen

# What an instruction that calls or jumps is relocated by. A pointer to a
# function has other types: so a callback that is handed over is no call.
BEGIN {
	split("R_X86_64_PLT32 R_AARCH64_CALL26 R_AARCH64_JUMP26 R_AARCH64_CONDBR19 R_RISCV_CALL R_RISCV_CALL_PLT " \
	      "R_386_PLT32 R_ARM_CALL R_ARM_JUMP24 R_ARM_THM_CALL R_ARM_THM_JUMP24 R_PPC64_REL24 R_390_PLT32DBL", list)
	for (i in list)
		calling[list[i]] = 1
}

$1 == "File:" {
	file = $2
	sub(/.*\//, "", file)
	sub(/\.o$/, "", file)
	seen[file] = 1
	count++
}
/^Relocation section/ { debugging = $3 ~ /debug/ }
$3 ~ /^R_/ && !debugging {
	uses++
	user[uses] = file
	used[uses] = $5
	by_call[uses] = $3 in calling
	calls += $3 in calling
}
# Num: Value Size Type Bind Visibility Section Name
$1 ~ /^[0-9]+:$/ && $5 != "LOCAL" && $7 != "UND" {
	home[$8] = file
	is_function[$8] = $4 == "FUNC"
}

function fault(text) {
	print "ctl/" module ": " text
	faults = 1
}

# a and b of edge[a, b] are files; its value the names by which a needs b, at most three.
function find_edges(	i, to) {
	for (i = 1; i <= uses; i++) {
		if (!(used[i] in home))
			continue
		to = home[used[i]]
		if (to == user[i] || (is_function[used[i]] && !by_call[i]) || (user[i], to, used[i]) in known)
			continue
		known[user[i], to, used[i]] = 1
		edges++
		if (++names[user[i], to] <= 3)
			edge[user[i], to] = edge[user[i], to] (names[user[i], to] > 1 ? ", " : "") used[i]
		else if (names[user[i], to] == 4)
			edge[user[i], to] = edge[user[i], to] ", ..."
	}
}

# Depth first from `from`; the way there is way[1 .. depth]. Stops at the first circle.
function visit(from, depth,	to, i, text) {
	state[from] = "open"
	way[depth] = from
	for (to in seen) {
		if (!((from, to) in edge) || found)
			continue
		if (state[to] == "open") {
			found = 1
			for (i = depth; way[i] != to; i--)
				;
			text = to
			for (; i <= depth; i++)
				text = text " -(" edge[way[i], i < depth ? way[i + 1] : to] ")-> " \
					(i < depth ? way[i + 1] : to)
			fault("circle: " text)
		} else if (!state[to]) {
			visit(to, depth + 1)
		}
	}
	state[from] = "done"
}

function check_order(	levels, level, peers, place, pair, i, j, n) {
	levels = split(order, level, / *< */)
	for (i = 1; i <= levels; i++) {
		n = split(level[i], peers, / *, */)
		for (j = 1; j <= n; j++) {
			if (!(peers[j] in seen))
				fault("its order names \"" peers[j] "\", which is none of its files")
			if (peers[j] in place)
				fault("its order names " peers[j] " twice")
			place[peers[j]] = i
		}
	}
	for (i in seen)
		if (!(i in place))
			fault("its order does not name " i)
	for (i in edge) {
		split(i, pair, SUBSEP)
		if ((pair[1] in place) && (pair[2] in place) && place[pair[2]] >= place[pair[1]])
			fault("against its order, " pair[1] " needs " pair[2] ": " edge[i])
	}
}

END {
	if (count != files) {
		fault(count + 0 " of " files " objects are there: build first")
		exit 1
	}
	find_edges()
	for (i in seen)
		if (!state[i] && !found)
			visit(i, 1)
	if (order != "")
		check_order()
	else if (edges)
		fault("no header states its order")
	if (files > 1 && !calls)
		fault("its objects show no calls at all: not judged")
	exit faults
}
