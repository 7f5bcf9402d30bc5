// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Contents that are secret are wiped before their memory is given back, and never logged.
 */
#include "feeder/access.h"

#include "sys/clock.h"
#include "sys/files.h"

#include <errno.h>

#define REFRESH_NS (60 * NSEC_PER_SEC)
#define DOUBT_NS   (60 * NSEC_PER_SEC) /* so long it is read each second */
#define FILE_BYTES (1u << 20)

static void forget(struct access_text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->len);
	free(TAKE_PTR(t->data));
	t->len = 0;
}

void access_done(struct access *a)
{
	struct access_text *const all[] = {&a->ca, &a->cert, &a->key, &a->token};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		forget(all[i]);
		free(all[i]->path);
	}
	free(a->server);
	free(a->server_name);
	*a = (struct access){0};
}

bool access_set_server(struct access *a, const char *server)
{
	size_t len = strlen(server);

	while (len > 0 && server[len - 1] == '/')
		len--;
	if (strncmp(server, "https://", strlen("https://")) != 0 || len <= strlen("https://"))
		return false;
	free(a->server);
	a->server = xcalloc(len + 1, 1);
	memcpy(a->server, server, len);
	return true;
}

/* A line's end behind a token is no part of it. */
static void trim(char *text, size_t *len)
{
	while (*len > 0 && strchr(" \t\r\n", text[*len - 1]))
		text[--*len] = '\0';
}

static bool read_again(struct access *a, struct access_text *t, struct strbuf *why)
{
	char *data;
	size_t len;
	int r;

	if (!t->path)
		return true;
	r = file_read(t->path, FILE_BYTES, &data, &len);
	if (r < 0 || len == 0) {
		free(r < 0 ? NULL : data);
		strbuf_printf(why, "%s: %s", t->path, r < 0 ? strerror(-r) : "it is empty");
		return false;
	}
	if (t == &a->token)
		trim(data, &len);
	a->version += !t->data || t->len != len || memcmp(t->data, data, len) != 0;
	forget(t);
	t->data = data;
	t->len = len;
	return true;
}

nsec_t access_deadline(const struct access *a)
{
	const bool is_doubted = a->doubted_at != 0 && a->read_at - a->doubted_at < DOUBT_NS;

	return nsec_add(a->read_at, is_doubted ? NSEC_PER_SEC : REFRESH_NS);
}

bool access_refresh(struct access *a, nsec_t now, bool is_doubted, struct strbuf *why)
{
	struct access_text *const all[] = {&a->ca, &a->cert, &a->key, &a->token};
	bool is_well = true;

	if (is_doubted)
		a->doubted_at = now;
	else if (a->read_at != 0 && now < access_deadline(a))
		return true;
	a->read_at = now;
	for (size_t i = 0; i < ARRAY_SIZE(all) && is_well; i++)
		is_well = read_again(a, all[i], why);
	return is_well;
}

static char *in_folder(const char *folder, const char *name)
{
	struct strbuf path;

	strbuf_init(&path, 4096);
	strbuf_printf(&path, "%s/%s", folder, name);
	return path.data;
}

/* An IPv6 address stands in brackets where a port follows. */
static bool set_pod_server(struct access *a)
{
	const char *host = getenv("KUBERNETES_API_HOST"), *port = getenv("KUBERNETES_API_PORT");
	struct strbuf url;
	bool is_set = false;

	if (!host || !*host)
		host = getenv("KUBERNETES_SERVICE_HOST");
	if (!port || !*port)
		port = getenv("KUBERNETES_SERVICE_PORT");
	strbuf_init(&url, 1024);
	if (host && port && *host && *port) {
		strbuf_printf(&url, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
			      port);
		is_set = access_set_server(a, url.data);
	}
	strbuf_done(&url);
	return is_set;
}

bool access_of_pod(struct access *ret, const char *folder, struct strbuf *why)
{
	*ret = (struct access){0};
	ret->ca.path = in_folder(folder, "ca.crt");
	ret->token.path = in_folder(folder, "token");
	if (!access_refresh(ret, clock_now(), false, why))
		return false;
	if (!set_pod_server(ret))
		ret->server = xstrdup("https://kubernetes.default.svc");
	return true;
}
