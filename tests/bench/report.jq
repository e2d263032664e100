# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# From the samples of scripts/bench to one document: medians, and ratios within
# a round. Round 0 has only warmed up.

# Cheaper by less than this is not seen in the noise of a shared machine.
def least_difference: 0.03;

def quantile($q): sort | .[((length - 1) * $q) | round];
def spread: {median: quantile(0.5), low: quantile(0.25), high: quantile(0.75)};
# Of two lists, a number a round each.
def ratios($of; $to): [$of, $to] | transpose | map(.[0] / .[1]) | spread;
def dearer: .median < 1 - least_difference and .high < 1;

def per_second($samples): [$samples[] | .arrived / .wall_ns * 1e9];
def copies_of($samples):
	{copies_per_s: (per_second($samples) | quantile(0.5)),
	 ns_per_copy: ([$samples[] | .wall_ns / .arrived] | quantile(0.5)),
	 cpu_ns_per_copy: ([$samples[] | .cpu_ns / .arrived] | quantile(0.5)),
	 lost: ([$samples[] | .made - .arrived] | add)};
def copy_row:
	(map(select(.who == "mirred")) | sort_by(.round)) as $mirred
	| (map(select(.who == "this")) | sort_by(.round)) as $this
	| (map(select(.who == "against")) | sort_by(.round)) as $against
	| .[0].copies
	+ {mirred: copies_of($mirred),
	   this: (copies_of($this) + {to_mirred: ratios(per_second($this); per_second($mirred))})}
	+ if $against == [] then {} else
		{against: (copies_of($against) + {to_mirred: ratios(per_second($against); per_second($mirred))}),
		 this_to_against: ratios(per_second($this); per_second($against))}
	  end;

def joins_per_s($samples): [$samples[] | .joins / (.ns | add) * 1e9];
def joins_of($samples):
	{per_s: (joins_per_s($samples) | quantile(0.5)),
	 first_hundred_ns: ([$samples[].ns[:100] | quantile(0.5)] | quantile(0.5)),
	 last_hundred_ns: ([$samples[].ns[-100:] | quantile(0.5)] | quantile(0.5))};
def join_row:
	(map(select(.who == "this")) | sort_by(.round)) as $this
	| (map(select(.who == "against")) | sort_by(.round)) as $against
	| {joins: .[0].joins, this: joins_of($this)}
	+ if $against == [] then {} else
		{against: joins_of($against), this_to_against: ratios(joins_per_s($this); joins_per_s($against))}
	  end;

map(select(.round > 0))
| {kernel: $kernel, cpus: $cpus, this: $this}
+ (if $against == "" then {} else {against: $against} end)
+ {round_ms: $round_ms,
   rounds: (map(select(.copies) | .round) | max),
   copies: (map(select(.copies)) | group_by(.copies) | map(copy_row)),
   joins: (map(select(.joins)) | join_row)}
| .lost = ([.copies[] | .this.lost, .against.lost // 0] | add)
| .dearer = ([(.copies[], .joins) | select(.this_to_against) | select(.this_to_against | dearer)] | length)
| .good = (.lost == 0 and .dearer == 0)
