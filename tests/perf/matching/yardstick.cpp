// Plays a workload file on the books of orderly-chaos, the yardstick, and says what it cost: one line of JSON for each
// line read from standard input, so that our driver can take turns with it.
//
// The whole file is in memory; trades go to the book's own handler, which folds them into the file's trade_hash: a run
// that does not end with it does not count. Memory that a run has freed stays with the process, and the first run is
// not told: like our core it has all its memory when it is timed.
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <memory>
#include <string>
#include <vector>

#include "mewl.h"
#include "timing.h"
#include <orderly_chaos/orderly_chaos.hpp>

using orderly_chaos::LimitOrderBook;
using orderly_chaos::Side;
using orderly_chaos::Trade;

namespace {

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "matching benchmark: yardstick: %s\n", what);
    std::exit(1);
}

struct File {
    mewl_hdr header;
    std::vector<mewl_cmd> commands;
};

File load(const char *path) {
    File file;
    std::FILE *stream = std::fopen(path, "rb");
    if (stream == nullptr || std::fread(&file.header, sizeof file.header, 1, stream) != 1 ||
        file.header.magic != MEWL_MAGIC) {
        fail("the workload file cannot be read");
    }
    file.commands.resize(file.header.n_total);
    if (std::fread(file.commands.data(), sizeof(mewl_cmd), file.commands.size(), stream) != file.commands.size()) {
        fail("the workload file is cut short");
    }
    std::fclose(stream);
    return file;
}

class Venue {
  public:
    explicit Venue(uint32_t instruments) : books(instruments) {
        for (LimitOrderBook &book : books) {
            book.set_trade_handler([this](const Trade &trade) {
                trade_hash = mewl_mix(trade_hash, trade.maker_id, trade.taker_id, trade.price, trade.quantity);
                trades++;
            });
        }
    }

    void apply(const mewl_cmd &command) {
        LimitOrderBook &book = books[command.sym];
        const Side side = command.side == 0 ? Side::Buy : Side::Sell;
        const auto price = static_cast<uint64_t>(command.price);
        switch (command.op) {
        case OP_ADD:
            if (book.limit(side, command.oid, command.qty, price) < command.qty && command.tif == TIF_IOC) {
                book.cancel(command.oid);
            }
            return;
        case OP_CANCEL:
            book.cancel(command.oid);
            return;
        case OP_REPLACE:
            book.cancel(command.oid);
            book.limit(side, command.oid, command.qty, price);
            return;
        default:
            fail("the workload file has a command that this driver does not know");
        }
    }

    uint64_t trade_hash = 0;
    uint64_t trades = 0;

  private:
    std::vector<LimitOrderBook> books;
};

uint64_t timed_ns(const File &file) {
    const auto venue = std::make_unique<Venue>(file.header.nsym);
    const size_t prefill = file.header.n_prefill;
    for (size_t i = 0; i < prefill; i++) {
        venue->apply(file.commands[i]);
    }
    const uint64_t begun_ns = processor_ns();
    for (size_t i = prefill; i < file.commands.size(); i++) {
        venue->apply(file.commands[i]);
    }
    const uint64_t elapsed_ns = processor_ns() - begun_ns;
    if (venue->trade_hash != file.header.trade_hash || venue->trades != file.header.n_trades) {
        fail("the trades are not the ones that the workload file asks for");
    }
    return elapsed_ns;
}

} // namespace

int main(int count, char **arguments) {
    if (count != 3 || std::string(arguments[1]) != "file") {
        fail("usage: yardstick file PATH");
    }
    const File file = load(arguments[2]);
    char line[128];
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_MMAP_MAX, 0);
    (void)timed_ns(file);
    std::puts("{}");
    std::fflush(stdout);
    while (std::fgets(line, sizeof line, stdin) != nullptr) {
        std::printf("{\"ns\": %llu, \"commands\": %zu}\n", static_cast<unsigned long long>(timed_ns(file)),
                    file.commands.size() - file.header.n_prefill);
        std::fflush(stdout);
    }
    return 0;
}
