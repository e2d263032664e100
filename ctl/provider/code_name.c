/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The one list of names, from which the header's numbers come too. */
#include "leafcast/leafcast.h"
#include "provider/provider.h"

const char *leafcast_code_name(int code)
{
	switch (code) {
	case 0:
		return "0";
#define NAME_CASE(number, name) \
	case number:            \
		return #name;
		WSA_ERRORS(NAME_CASE)
		WSA_QOS_STATUSES(NAME_CASE)
#undef NAME_CASE
	}
	return "unknown";
}
