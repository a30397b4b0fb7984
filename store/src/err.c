/* hc_err: the first cause stays; everything is cut to fixed buffers. */
#define HC_ERR_SOURCE
#include "store/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_file(struct hc_err *err, const char *file)
{
	size_t len = file ? strlen(file) : 0;

	if (len < sizeof(err->file))
		snprintf(err->file, sizeof(err->file), "%s", len ? file : "");
	else /* the end of a path says more than its beginning */
		snprintf(err->file, sizeof(err->file), "...%s", file + len - (sizeof(err->file) - 4));
}

__attribute__((format(printf, 3, 0))) static void set_msg(struct hc_err *err, int code, const char *fmt,
                                                          va_list ap)
{
	err->code = code;
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

int hc_err_set(struct hc_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code)
		return code;
	va_start(ap, fmt);
	set_msg(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int hc_err_at(struct hc_err *err, int code, const char *file, uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code)
		return code;
	set_file(err, file);
	err->line = line;
	err->column = line ? column : 0;
	va_start(ap, fmt);
	set_msg(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int hc_err_off(struct hc_err *err, int code, const char *file, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code)
		return code;
	set_file(err, file);
	err->offset = offset;
	err->has_offset = 1;
	va_start(ap, fmt);
	set_msg(err, code, fmt, ap);
	va_end(ap);
	return code;
}

void hc_err_note(struct hc_err *err, const char *fmt, ...)
{
	size_t used;
	va_list ap;

	if (!err || !err->code)
		return;
	used = strlen(err->notes);
	if (used + 2 >= sizeof(err->notes))
		return;
	if (used)
		err->notes[used++] = '\n';
	va_start(ap, fmt);
	vsnprintf(err->notes + used, sizeof(err->notes) - used, fmt, ap);
	va_end(ap);
}

const char *hc_err_text(const struct hc_err *err, char *buf, unsigned buf_bytes)
{
	if (err->file[0] && err->line)
		snprintf(buf, buf_bytes, "%s:%u:%u: %s", err->file, err->line, err->column, err->msg);
	else if (err->file[0] && err->has_offset)
		snprintf(buf, buf_bytes, "%s: at byte %llu: %s", err->file, (unsigned long long)err->offset,
		         err->msg);
	else if (err->file[0])
		snprintf(buf, buf_bytes, "%s: %s", err->file, err->msg);
	else
		snprintf(buf, buf_bytes, "%s", err->msg);
	return buf;
}
