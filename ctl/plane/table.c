// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "plane/table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t table_bytes(const struct lc_table *table)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (table->stride * table->entries + page - 1) / page * page;
}

int lc_table_map(struct lc_table *table, int map_fd, size_t size, bool writable)
{
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);
	struct lc_table found;
	void *base;

	if (bpf_obj_get_info_by_fd(map_fd, &info, &info_bytes))
		return -errno;
	if (info.value_size != size)
		return -EPROTO;
	found = (struct lc_table){.stride = (size + 7) / 8 * 8, .entries = info.max_entries};
	base = mmap(NULL, table_bytes(&found), PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
		    map_fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	found.base = base;
	*table = found;
	return 0;
}

void lc_table_unmap(struct lc_table *table)
{
	if (table->base)
		munmap(table->base, table_bytes(table));
	*table = (struct lc_table){0};
}
