#include "cmd.h"

#include <json-c/json.h>
#include <string.h>

void hc_cli_put_json(FILE *f, struct json_object *take)
{
	const char *text =
		json_object_to_json_string_ext(take, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	hc_cli_print_json(f, text, strlen(text));
	fputc('\n', f);
	json_object_put(take);
}
