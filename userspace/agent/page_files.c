// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * They have a section of their own: among the other constants they would be resident with these,
 * also where nobody looks. Their paths are from the top of the tree, where compilers run.
 */
#include "agent/page_files.h"

#define FILE_DATA(name, path)                                                                      \
	__asm__(".pushsection page_data, \"a\", @progbits\n"                                       \
		"page_" name "_begin: .incbin \"userspace/agent/page/" path "\"\n"                 \
		"page_" name "_end:\n"                                                             \
		".popsection\n")
#define OURS __attribute__((__visibility__("hidden")))

FILE_DATA("html", "index.html");
FILE_DATA("css", "page.css");
FILE_DATA("js", "page.js");
FILE_DATA("icon", "icon.svg");
OURS extern const char page_html_begin[], page_html_end[], page_css_begin[], page_css_end[];
OURS extern const char page_js_begin[], page_js_end[], page_icon_begin[], page_icon_end[];

const struct page_file page_files[PAGE_N_FILES] = {
	{"/", "text/html; charset=utf-8", page_html_begin, page_html_end},
	{"/page.css", "text/css; charset=utf-8", page_css_begin, page_css_end},
	{"/page.js", "text/javascript; charset=utf-8", page_js_begin, page_js_end},
	{"/icon.svg", "image/svg+xml", page_icon_begin, page_icon_end},
};
