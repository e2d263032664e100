/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tool/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/endpoint.h"
#include "core/flowspec.h"
#include "leafcast/leafcast.h"

#define STRINGIFY(number) #number
#define TEXT(number)	  STRINGIFY(number)

/* 65535 less the headers: what an IPv4 datagram can carry. */
#define LARGEST_PAYLOAD 65507

const char *lc_set_switch(void *field, const char *text)
{
	*(bool *)field = true;
	return NULL;
}

const char *lc_set_text(void *field, const char *text)
{
	*(const char **)field = text;
	return NULL;
}

const char *lc_set_connect_data(void *field, const char *text)
{
	if (strlen(text) > LEAFCAST_CONNECT_DATA_MAX)
		return "is longer than the " TEXT(
			LEAFCAST_CONNECT_DATA_MAX) " bytes a join carries";
	*(const char **)field = text;
	return NULL;
}

/* Digits only: no sign, no space, no base prefix. */
static bool read_number(uint64_t *number, const char *text)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end || errno)
		return false;
	*number = value;
	return true;
}

const char *lc_set_count(void *field, const char *text)
{
	uint64_t number;

	if (!read_number(&number, text) || !number)
		return "is not a number from 1";
	*(uint64_t *)field = number;
	return NULL;
}

const char *lc_set_size(void *field, const char *text)
{
	uint64_t number;

	if (!read_number(&number, text) || !number || number > LARGEST_PAYLOAD)
		return "is not a number from 1 to " TEXT(LARGEST_PAYLOAD);
	*(uint32_t *)field = (uint32_t)number;
	return NULL;
}

const char *lc_set_seconds(void *field, const char *text)
{
	const double longest = 1e6;
	double seconds;
	char *end;

	if (strspn(text, "0123456789.") != strlen(text))
		return "is not a number of seconds";
	seconds = strtod(text, &end);
	if (*end || end == text || seconds < 0.001 || seconds > longest)
		return "is not a number of seconds from 0.001 to 1000000";
	*(uint64_t *)field = (uint64_t)(seconds * 1000);
	return NULL;
}

const char *lc_set_rate(void *field, const char *text)
{
	uint64_t rate;

	switch (lc_rate_parse(&rate, text)) {
	case 0:
		*(uint64_t *)field = rate;
		return NULL;
	case -ERANGE:
		return "is out of range for a rate";
	}
	return "is not a rate such as 10mbit or 500kbps";
}

const char *lc_set_endpoint(void *field, const char *text)
{
	if (lc_endpoint_parse(field, text))
		return "is not ADDR:PORT, numbers only, such as 192.0.2.1:5000 or "
		       "[2001:db8::1]:5000";
	return NULL;
}

const char *lc_set_flowspec(void *field, const char *text)
{
	struct lc_optional_flowspec *optional = field;
	const char *why;

	if (lc_flowspec_parse(&optional->flow, text, &why))
		return why;
	optional->given = true;
	return NULL;
}

const char *lc_append_endpoint(void *field, const char *text)
{
	struct lc_endpoint_list *list = field;
	struct lc_endpoint value, *larger;
	const char *why = lc_set_endpoint(&value, text);

	if (why)
		return why;
	larger = reallocarray(list->entry, list->count + 1, sizeof(value));
	if (!larger)
		return "no memory";
	list->entry = larger;
	list->entry[list->count++] = value;
	return NULL;
}

const char *lc_append_prefix(void *field, const char *text)
{
	struct lc_prefix_list *list = field;
	struct lc_prefix value, *larger;

	if (lc_prefix_parse(&value.address, &value.length, text))
		return "is not ADDR or ADDR/LEN, such as 192.0.2.0/24 or 2001:db8::/32";
	larger = reallocarray(list->entry, list->count + 1, sizeof(value));
	if (!larger)
		return "no memory";
	list->entry = larger;
	list->entry[list->count++] = value;
	return NULL;
}
