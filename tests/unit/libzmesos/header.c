/* Nothing but the header: it needs no other before it. */
#include <zmesos.h>

extern const int libzmesos_header_is_whole;
const int libzmesos_header_is_whole = ZMESOS_OK;
