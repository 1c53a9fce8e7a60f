/* What keys do in `zmesos top`. */
#ifndef CLI_TOP_KEYS_H
#define CLI_TOP_KEYS_H

#include <stdbool.h>

#include "top_key.h"
#include "top_page.h"

/* False: the program is to end. */
bool top_press(struct top *top, struct feed *feed, int key);

/* Shows tasks alone whose ids begin so, or with "label:KEY" or "label:KEY=VALUE" those with the label; "" for
 * all. False: that is no filter. */
bool top_filter(struct top *top, struct feed *feed, const char *words);

void top_init(struct top *top, const struct model *model, const struct feed *feed);
void top_clear(struct top *top);

#endif
