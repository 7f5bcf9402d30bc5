// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The current context of a kubeconfig: its cluster and its user. What cannot be had here (programs
 * that are to be run for a token) is refused by name; paths in the file are relative to its folder.
 */
#include "feeder/access.h"

#include "sys/clock.h"
#include "sys/files.h"

#include <errno.h>
#include <yaml.h>

#define FILE_BYTES (1u << 20)

struct config {
	yaml_document_t doc;
	const char *path;
	char *folder; /* owned */
	struct strbuf *why;
};

static const char *text_of(yaml_node_t *n)
{
	return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static yaml_node_t *get(struct config *c, yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		const char *name = text_of(yaml_document_get_node(&c->doc, p->key));

		if (name && strcmp(name, key) == 0)
			return yaml_document_get_node(&c->doc, p->value);
	}
	return NULL;
}

static const char *get_text(struct config *c, yaml_node_t *map, const char *key)
{
	const char *text = text_of(get(c, map, key));

	return text && *text ? text : NULL;
}

/* The member `what` of that element of a list whose name it is. */
static yaml_node_t *named(struct config *c, const char *list, const char *name, const char *what)
{
	yaml_node_t *all = get(c, yaml_document_get_root_node(&c->doc), list);

	if (!name || !all || all->type != YAML_SEQUENCE_NODE)
		return NULL;
	for (yaml_node_item_t *i = all->data.sequence.items.start; i < all->data.sequence.items.top;
	     i++) {
		yaml_node_t *element = yaml_document_get_node(&c->doc, *i);
		const char *is = get_text(c, element, "name");

		if (is && strcmp(is, name) == 0)
			return get(c, element, what);
	}
	return NULL;
}

static char *path_of(struct config *c, const char *path)
{
	struct strbuf whole;

	if (*path == '/')
		return xstrdup(path);
	strbuf_init(&whole, 4096);
	strbuf_printf(&whole, "%s/%s", c->folder, path);
	return whole.data;
}

/* -1: no character of base64. */
static int digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool decode(const char *text, struct access_text *ret)
{
	unsigned bits = 0, n_bits = 0;

	ret->data = xmalloc(strlen(text) + 1);
	for (; *text && *text != '='; text++) {
		const int digit = digit_of(*text);

		if (strchr(" \t\r\n", *text))
			continue;
		if (digit < 0)
			return false;
		bits = (bits << 6 | (unsigned)digit) & 0xffffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		ret->data[ret->len++] = (char)(bits >> n_bits);
	}
	ret->data[ret->len] = '\0';
	return ret->len > 0;
}

/* KEY-data holds it, else KEY the path of a file. */
static bool take(struct config *c, yaml_node_t *map, const char *key, struct access_text *ret)
{
	char data_key[64];
	const char *data, *path = get_text(c, map, key);

	(void)snprintf(data_key, sizeof(data_key), "%s-data", key);
	data = get_text(c, map, data_key);
	if (data && !decode(data, ret)) {
		strbuf_printf(c->why, "%s: %s is no base64", c->path, data_key);
		return false;
	}
	if (!data && path)
		ret->path = path_of(c, path);
	return true;
}

static bool take_cluster(struct config *c, yaml_node_t *cluster, struct access *ret)
{
	const char *server = get_text(c, cluster, "server");
	const char *name = get_text(c, cluster, "tls-server-name");
	const char *insecure = get_text(c, cluster, "insecure-skip-tls-verify");

	if (!server || !access_set_server(ret, server)) {
		strbuf_printf(c->why,
			      "%s: the current context's cluster has no server that begins "
			      "with https://",
			      c->path);
		return false;
	}
	if (get_text(c, cluster, "proxy-url")) {
		strbuf_printf(c->why, "%s: proxy-url is not supported; remove it", c->path);
		return false;
	}
	ret->server_name = name ? xstrdup(name) : NULL;
	ret->is_insecure = insecure && strcmp(insecure, "true") == 0;
	return take(c, cluster, "certificate-authority", &ret->ca);
}

static bool take_user(struct config *c, yaml_node_t *user, struct access *ret)
{
	static const char *const refused[] = {"exec", "auth-provider", "username", "as"};
	const char *token = get_text(c, user, "token"), *path = get_text(c, user, "tokenFile");

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (!get(c, user, refused[i]))
			continue;
		strbuf_printf(
			c->why,
			"%s: the current context's user has `%s`, which is not supported: this "
			"program runs no others; give a token, a tokenFile or a client "
			"certificate",
			c->path, refused[i]);
		return false;
	}
	if (path) {
		ret->token.path = path_of(c, path);
	} else if (token) {
		ret->token.data = xstrdup(token);
		ret->token.len = strcspn(token, " \t\r\n");
		ret->token.data[ret->token.len] = '\0';
	}
	return take(c, user, "client-certificate", &ret->cert) &&
	       take(c, user, "client-key", &ret->key);
}

static bool take_context(struct config *c, struct access *ret)
{
	const char *current = get_text(c, yaml_document_get_root_node(&c->doc), "current-context");
	yaml_node_t *context = named(c, "contexts", current, "context");

	if (!context) {
		strbuf_printf(c->why, "%s: it has no current context", c->path);
		return false;
	}
	return take_cluster(c, named(c, "clusters", get_text(c, context, "cluster"), "cluster"),
			    ret) &&
	       take_user(c, named(c, "users", get_text(c, context, "user"), "user"), ret);
}

static bool parse(struct config *c, const char *text, size_t len, struct access *ret)
{
	yaml_parser_t parser;
	bool is_well;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	is_well = yaml_parser_load(&parser, &c->doc);
	yaml_parser_delete(&parser);
	if (!is_well) {
		strbuf_printf(c->why, "%s: it is no YAML", c->path);
		return false;
	}
	is_well = take_context(c, ret);
	yaml_document_delete(&c->doc);
	return is_well;
}

bool access_of_kubeconfig(struct access *ret, const char *path, struct strbuf *why)
{
	struct config c = {.path = path, .why = why};
	char *text;
	size_t len;
	bool is_well;
	int r = file_read(path, FILE_BYTES, &text, &len);

	*ret = (struct access){0};
	if (r < 0) {
		strbuf_printf(why, "%s: %s", path, strerror(-r));
		return false;
	}
	c.folder = path_folder(path);
	is_well = parse(&c, text, len, ret);
	free(c.folder);
	explicit_bzero(text, len);
	free(text);
	return is_well && access_refresh(ret, clock_now(), false, why);
}
