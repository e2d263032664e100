/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "network/alias.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OURS	 "leafcast"
#define SETTINGS " accept_local=%d route_localnet=%d"
#define BPF_DIR	 " bpf_dir="

/* What is printed in a sentence stays in its line. */
static bool is_directory(const char *text)
{
	if (text[0] != '/')
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

int lc_alias_format(char text[LC_ALIAS_BYTES], const struct lc_host_before *before,
		    const char *bpf_dir)
{
	char settings[64] = "";
	int length;

	if (!is_directory(bpf_dir))
		return -EINVAL;
	if (before->recorded == LC_BEFORE_RECORDED)
		snprintf(settings, sizeof(settings), SETTINGS, before->accept_local,
			 before->route_localnet);
	length = snprintf(text, LC_ALIAS_BYTES, OURS "%s" BPF_DIR "%s", settings, bpf_dir);
	return length < LC_ALIAS_BYTES ? 0 : -ENAMETOOLONG;
}

/* How long the settings are; 0: there are none. */
static int parse_settings(const char *text, struct lc_host_before *before)
{
	int accept_local, route_localnet, length = 0;

	if (text[0] != ' ' ||
	    sscanf(text, SETTINGS "%n", &accept_local, &route_localnet, &length) != 2)
		return 0;
	*before = (struct lc_host_before){.recorded = LC_BEFORE_RECORDED,
					  .accept_local = accept_local,
					  .route_localnet = route_localnet};
	return length;
}

bool lc_alias_parse(const char *text, struct lc_alias *alias)
{
	*alias = (struct lc_alias){.before = LC_HOST_LOST};
	if (strlen(text) >= LC_ALIAS_BYTES || strncmp(text, OURS, strlen(OURS)) != 0)
		return false;
	text += strlen(OURS);
	text += parse_settings(text, &alias->before);
	if (!*text)
		return true;
	if (strncmp(text, BPF_DIR, strlen(BPF_DIR)) != 0 || !is_directory(text + strlen(BPF_DIR)))
		return false;
	strcpy(alias->bpf_dir, text + strlen(BPF_DIR));
	return true;
}
