/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "provider/catalogue.h"

#define ROOTED_FLAGS                                                                         \
	(XP1_SUPPORT_MULTIPOINT | XP1_MULTIPOINT_CONTROL_PLANE | XP1_MULTIPOINT_DATA_PLANE | \
	 XP1_QOS_SUPPORTED | XP1_MESSAGE_ORIENTED | XP1_IFS_HANDLES | XP1_CONNECT_DATA |     \
	 XP1_GRACEFUL_CLOSE)

const struct lc_catalogue_entry lc_catalogue[LC_CATALOGUE_ENTRIES] = {
	{1001, AF_INET, LEAFCAST_IPPROTO_ROOTED, ROOTED_FLAGS, "Leafcast rooted/rooted [UDP/IP]"},
	{1002, AF_INET6, LEAFCAST_IPPROTO_ROOTED, ROOTED_FLAGS,
	 "Leafcast rooted/rooted [UDP/IPv6]"},
};

/* Random; names the provider, not the machine. */
static const GUID provider_id = {
	0x5d1c3c6e, 0x0b7a, 0x4f0e, {0x9a, 0x41, 0x6c, 0x1e, 0x8f, 0x27, 0xd3, 0x55}};

void lc_catalogue_describe(const struct lc_catalogue_entry *entry, LPWSAPROTOCOL_INFOW info)
{
	bool v4 = entry->family == AF_INET;

	*info = (WSAPROTOCOL_INFOW){
		.dwServiceFlags1 = entry->service_flags,
		.ProviderId = provider_id,
		.dwCatalogEntryId = entry->id,
		.ProtocolChain = {.ChainLen = BASE_PROTOCOL},
		.iVersion = 2,
		.iAddressFamily = entry->family,
		.iMaxSockAddr = v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
		.iMinSockAddr = v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
		.iSocketType = SOCK_DGRAM,
		.iProtocol = entry->protocol,
		.iNetworkByteOrder = BIGENDIAN,
		/* The most a UDP datagram holds: 65535 less the headers. */
		.dwMessageSize = v4 ? 65507 : 65527,
	};
	for (size_t i = 0; entry->name[i]; i++)
		info->szProtocol[i] = (unsigned char)entry->name[i];
}

static int choose_role(DWORD flags, enum lc_local_role *role)
{
	bool c_root = flags & WSA_FLAG_MULTIPOINT_C_ROOT,
	     c_leaf = flags & WSA_FLAG_MULTIPOINT_C_LEAF;
	bool d_root = flags & WSA_FLAG_MULTIPOINT_D_ROOT,
	     d_leaf = flags & WSA_FLAG_MULTIPOINT_D_LEAF;

	if (!c_root && !c_leaf && !d_root && !d_leaf)
		return WSAEOPNOTSUPP; /* an ordinary socket: a later issue */
	if (c_root == c_leaf || d_root == d_leaf)
		return WSAEINVAL;
	if (c_root != d_root)
		return WSAEOPNOTSUPP;
	*role = c_root ? LC_ROLE_ROOT : LC_ROLE_LEAF;
	return 0;
}

static const struct lc_catalogue_entry *find(int family, int protocol)
{
	for (size_t i = 0; i < LC_CATALOGUE_ENTRIES; i++)
		if (lc_catalogue[i].family == family && lc_catalogue[i].protocol == protocol)
			return &lc_catalogue[i];
	return NULL;
}

int lc_catalogue_choose(int family, int type, int protocol, const WSAPROTOCOL_INFOW *info,
			DWORD flags, const struct lc_catalogue_entry **entry,
			enum lc_local_role *role)
{
	const DWORD known = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_ROOT |
			    WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_ROOT |
			    WSA_FLAG_MULTIPOINT_D_LEAF | WSA_FLAG_ACCESS_SYSTEM_SECURITY |
			    WSA_FLAG_NO_HANDLE_INHERIT;
	int error;

	if (flags & ~known)
		return WSAEINVAL;
	error = choose_role(flags, role);
	if (error)
		return error;
	if (!info && (family == FROM_PROTOCOL_INFO || type == FROM_PROTOCOL_INFO ||
		      protocol == FROM_PROTOCOL_INFO))
		return WSAEINVAL;
	if (info) {
		if (family == FROM_PROTOCOL_INFO || family == AF_UNSPEC)
			family = info->iAddressFamily;
		if (type == FROM_PROTOCOL_INFO)
			type = info->iSocketType;
		if (protocol == FROM_PROTOCOL_INFO || protocol == 0)
			protocol = info->iProtocol;
	}
	if (family == AF_UNSPEC)
		family = AF_INET;
	if (family != AF_INET && family != AF_INET6)
		return WSAEAFNOSUPPORT;
	if (type != SOCK_DGRAM && type != 0)
		return WSAESOCKTNOSUPPORT;
	if (protocol == 0 || protocol == IPPROTO_UDP) {
		/* Leaf flags alone name the entry without any root: a later issue. */
		if (*role == LC_ROLE_LEAF)
			return WSAEOPNOTSUPP;
		protocol = LEAFCAST_IPPROTO_ROOTED;
	}
	*entry = find(family, protocol);
	return *entry ? 0 : WSAEPROTONOSUPPORT;
}

BOOL leafcast_catalogue_entry(size_t index, LPWSAPROTOCOL_INFOW info)
{
	WSAPROTOCOL_INFOW described;

	if (index >= LC_CATALOGUE_ENTRIES)
		return FALSE;
	lc_catalogue_describe(&lc_catalogue[index], &described);
	return !lc_memory_write(info, &described, sizeof(described));
}
