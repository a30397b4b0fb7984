/* One decoder for all who read or show text of others. */
#include "store/base/utf8.h"

#include <stdio.h>

unsigned hc_utf8(const char *p, size_t n, uint32_t *ret)
{
	const uint8_t *u = (const uint8_t *)p;
	unsigned len;
	uint32_t c, least;

	if (!n)
		return 0;
	if (u[0] < 0x80) {
		*ret = u[0];
		return 1;
	}
	if (u[0] >= 0xc2 && u[0] < 0xe0) {
		len = 2;
		c = u[0] & 0x1f;
		least = 0x80;
	} else if (u[0] >= 0xe0 && u[0] < 0xf0) {
		len = 3;
		c = u[0] & 0x0f;
		least = 0x800;
	} else if (u[0] >= 0xf0 && u[0] < 0xf5) {
		len = 4;
		c = u[0] & 0x07;
		least = 0x10000;
	} else {
		return 0;
	}
	if (n < len)
		return 0;
	for (unsigned i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

unsigned hc_utf8_broken(const char *p, size_t n)
{
	const uint8_t *u = (const uint8_t *)p;
	uint8_t least = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t most = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
	unsigned len = u[0] >= 0xe0 && u[0] < 0xf0 ? 3 : u[0] >= 0xf0 && u[0] < 0xf5 ? 4 : 1, i = 1;

	if (len == 1 || n < 2 || u[1] < least || u[1] > most)
		return 1;
	do
		i++;
	while (i < len && i < n && (u[i] & 0xc0) == 0x80);
	return i;
}

bool hc_char_is_control(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} v[] = { { 0, 0x1f },        { 0x7f, 0x9f },     { 0xad, 0xad },      { 0x61c, 0x61c },
		  { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },  { 0x2060, 0x206f },
		  { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f } };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (c >= v[i].first && c <= v[i].last)
			return true;
	return false;
}

void hc_json_escape(uint32_t c, char buf[HC_JSON_ESCAPE_ROOM])
{
	if (c < 0x10000)
		snprintf(buf, HC_JSON_ESCAPE_ROOM, "\\u%04x", (unsigned)c & 0xffff);
	else
		snprintf(buf, HC_JSON_ESCAPE_ROOM, "\\u%04x\\u%04x",
		         0xd800 + (((unsigned)c - 0x10000) >> 10 & 0x3ff), 0xdc00 + ((unsigned)c & 0x3ff));
}
