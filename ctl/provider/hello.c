/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "leafcast/leafcast.h"
#include "local/local.h"
#include "provider/hello.h"

int lc_hello_say(void)
{
	const struct lc_local_message hello = {
		.kind = LC_LOCAL_HELLO, .id = 1, .version = LC_LOCAL_VERSION};
	const char *directory = secure_getenv("LEAFCAST_RUNTIME_DIR");
	int fd = lc_local_connect(directory && *directory ? directory : LEAFCAST_RUNTIME_DIR);
	int error = fd < 0 ? fd : lc_local_send(fd, &hello, -1);

	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	return error;
}

int lc_hello_answer(int fd)
{
	struct lc_local_message reply;
	int descriptor, error = lc_local_receive(fd, &reply, &descriptor);

	if (error)
		return error;
	if (descriptor >= 0)
		close(descriptor); /* none is ever sent this way */
	if (reply.kind != LC_LOCAL_REPLY || reply.id != 1)
		return -EPROTO;
	return reply.error;
}
