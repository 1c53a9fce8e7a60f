#include "sim.h"

const char *const plant_names[PLANT_COUNT] = {
        [PLANT_ACK_EARLY] = "ack-early",
        [PLANT_FORGET_LAUNCH] = "forget-launch",
        [PLANT_REUSE_ID] = "reuse-id",
        [PLANT_SKIP_ASKING] = "skip-asking",
        [PLANT_RESEND_ACCEPT] = "resend-accept",
        [PLANT_NO_FENCE] = "no-fence",
        [PLANT_UNKNOWN_GONE] = "unknown-gone",
};
