/* Records a workload file: every command of it as ours, with the trades to prove it. */
#include "workload.h"

#include <stdio.h>

#include "mewl.h"

enum { SPARE_ORDERS = 64 };

/* Pages of a side when every tick of the file's range is in use. */
static uint32_t pages_of(const mewl_hdr *header) {
    return 2 * header->nsym * (uint32_t)(header->pmax / 64 + 1);
}

static void record_add(struct recording *recording, const mewl_cmd *command) {
    const struct ticket ticket = {.user = command->user,
                                  .instrument = command->sym + 1,
                                  .side = command->side == 0 ? WIRE_SIDE_BUY : WIRE_SIDE_SELL,
                                  .order_type = WIRE_ORDER_TYPE_LIMIT,
                                  .time_in_force = command->tif == TIF_IOC ? WIRE_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL
                                                                           : WIRE_TIME_IN_FORCE_GOOD_TILL_CANCEL,
                                  .price_ticks = (uint32_t)command->price,
                                  .quantity_lots = command->qty};
    record_order(recording, (uint32_t)command->oid, &ticket);
}

static void record_one(struct recording *recording, const mewl_cmd *command) {
    switch (command->op) {
    case OP_ADD:
        record_add(recording, command);
        return;
    case OP_CANCEL:
        record_cancel(recording, (uint32_t)command->oid);
        return;
    case OP_REPLACE:
        record_replace(recording, (uint32_t)command->oid, (uint32_t)command->price, command->qty);
        return;
    default:
        market_fail("the workload file has a command that this driver does not know");
    }
}

static void record_all(struct recording *recording, FILE *file, const mewl_hdr *header) {
    mewl_cmd command;
    for (uint64_t i = 0; i < header->n_total; i++) {
        if (fread(&command, sizeof command, 1, file) != 1) {
            market_fail("the workload file is cut short");
        }
        if (i == header->n_prefill) {
            recording_start_timed(recording);
        }
        record_one(recording, &command);
    }
}

void workload_record(struct recording *recording, const char *path, bool limited) {
    mewl_hdr header;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(&header, sizeof header, 1, file) != 1 || header.magic != MEWL_MAGIC ||
        header.rec_size != sizeof(mewl_cmd)) {
        market_fail("the workload file cannot be read");
    }
    const uint32_t commands = (uint32_t)header.n_total;
    const struct room room = {.orders = (uint32_t)header.peak_resting + SPARE_ORDERS,
                              .price_pages = pages_of(&header),
                              .clordids = commands,
                              .instruments = header.nsym,
                              .limited = limited};
    recording_open(recording, &room, commands + commands / 8, header.max_oid);
    record_all(recording, file, &header);
    (void)fclose(file);
    if (recording->trades != header.n_trades || recording->trade_hash != header.trade_hash) {
        market_fail("the trades are not the ones that the workload file asks for");
    }
    if (recording->rejected != 0 || core_orders_in_use(recording->core) != header.resting_end) {
        market_fail("a command of the workload file was rejected");
    }
    recording_finish(recording);
}
