/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* leafcast root: the invitations, one after another. Called by the attendant only. */
#ifndef CTL_TOOL_INVITE_H
#define CTL_TOOL_INVITE_H

#include "tool/root.h"

/* Tries what is to be tried now; returns after how many milliseconds to call again, or WSA_INFINITE. */
DWORD lc_invite_next(struct lc_root *root);
/* FD_CONNECT came: the leaf that was invited has joined, or `code` says why not. */
void lc_invite_decided(struct lc_root *root, int code);

#endif
