// Writes the neutral workload files A, B, C and D, matching every command on a slow reference book as it goes: the
// book decides what the next command may be, and its trades give the file's trade_hash.
#include "mewl.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <vector>
using namespace std;
struct Rng {
    uint64_t s[4]; // xoshiro256**
    static uint64_t sm(uint64_t &x) {
        uint64_t z = (x += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    Rng(uint64_t seed) {
        for (auto &v : s)
            v = sm(seed);
    }
    static uint64_t rl(uint64_t x, int k) {
        return (x << k) | (x >> (64 - k));
    }
    uint64_t u() {
        uint64_t r = rl(s[1] * 5, 7) * 9, t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rl(s[3], 45);
        return r;
    }
    uint64_t n(uint64_t m) {
        return (uint64_t)(((__uint128_t)u() * m) >> 64);
    }
    double d() {
        return (u() >> 11) * 0x1.0p-53;
    }
};
struct Ord {
    uint64_t oid;
    uint32_t qty;
    uint32_t sym;
    int32_t price;
    uint8_t side;
    bool live = false;
    list<uint64_t>::iterator it;
    uint32_t pos;
};
struct Book {
    map<int, list<uint64_t>, greater<int>> bid;
    map<int, list<uint64_t>> ask;
};
struct Ref {
    vector<Book> b;
    vector<Ord> o;
    vector<uint64_t> live;
    vector<vector<uint64_t>> slive;
    uint64_t nt = 0, tq = 0, h = 0;
    uint64_t peak = 0, plev = 0;
    struct Tr {
        uint64_t m, t;
        int p;
        uint32_t q;
    };
    vector<Tr> last;
    Ref(int ns) : b(ns), slive(ns) {
        o.resize(1);
    }
    Ord &at(uint64_t id) {
        if (o.size() <= id)
            o.resize(max<size_t>(id + 1, o.size() * 2));
        return o[id];
    }
    void unlive(Ord &x) {
        auto &v = slive[x.sym];
        v[x.pos] = v.back();
        o[v[x.pos]].pos = x.pos;
        v.pop_back();
        nlive--;
        x.live = false;
    }
    uint64_t nlive = 0;
    void rest(uint64_t id) {
        Ord &x = o[id];
        Book &k = b[x.sym];
        auto &l = x.side == 0 ? k.bid[x.price] : k.ask[x.price];
        l.push_back(id);
        x.it = prev(l.end());
        x.live = true;
        x.pos = slive[x.sym].size();
        slive[x.sym].push_back(id);
        nlive++;
        peak = max(peak, nlive);
        plev = max<uint64_t>(plev, max(k.bid.size(), k.ask.size()));
    }
    void unrest(Ord &x) {
        Book &k = b[x.sym];
        if (x.side == 0) {
            auto i = k.bid.find(x.price);
            i->second.erase(x.it);
            if (i->second.empty())
                k.bid.erase(i);
        } else {
            auto i = k.ask.find(x.price);
            i->second.erase(x.it);
            if (i->second.empty())
                k.ask.erase(i);
        }
        unlive(x);
    }
    template <class M, class C> void match(M &m, uint64_t tid, uint32_t &q, C cross) {
        while (q && !m.empty()) {
            auto i = m.begin();
            if (!cross(i->first))
                break;
            auto &l = i->second;
            while (q && !l.empty()) {
                uint64_t mid = l.front();
                Ord &y = o[mid];
                uint32_t f = min(q, y.qty);
                q -= f;
                y.qty -= f;
                nt++;
                tq += f;
                h = mewl_mix(h, mid, tid, i->first, f);
                last.push_back({mid, tid, i->first, f});
                if (!y.qty) {
                    l.pop_front();
                    unlive(y);
                }
            }
            if (l.empty())
                m.erase(i);
        }
    }
    void apply(const mewl_cmd &c) {
        last.clear();
        switch (c.op) {
        case OP_ADD: {
            Ord &x = at(c.oid);
            x.oid = c.oid;
            x.qty = c.qty;
            x.sym = c.sym;
            x.price = c.price;
            x.side = c.side;
            place(c.oid, c.tif);
            break;
        }
        case OP_CANCEL: {
            Ord &x = at(c.oid);
            if (x.live)
                unrest(x);
            break;
        }
        case OP_REPLACE: {
            Ord &x = at(c.oid);
            if (x.live) {
                unrest(x);
                x.price = c.price;
                x.qty = c.qty;
                place(c.oid, TIF_GTC);
            }
            break;
        }
        case OP_REDUCE: {
            Ord &x = at(c.oid);
            if (x.live) {
                if (x.qty <= c.qty)
                    unrest(x);
                else
                    x.qty -= c.qty;
            }
            break;
        }
        }
    }
    void place(uint64_t id, int tif) {
        Ord &x = o[id];
        Book &k = b[x.sym];
        uint32_t q = x.qty;
        int p = x.price;
        if (x.side == 0)
            match(k.ask, id, q, [&](int a) { return a <= p; });
        else
            match(k.bid, id, q, [&](int a) { return a >= p; });
        x.qty = q;
        if (q && tif == TIF_GTC)
            rest(id);
    }
    int bb(int s) {
        auto &m = b[s].bid;
        return m.empty() ? 0 : m.begin()->first;
    }
    int ba(int s) {
        auto &m = b[s].ask;
        return m.empty() ? 0 : m.begin()->first;
    }
};
static vector<mewl_cmd> out;
static Ref *R;
static uint64_t nid = 1;
static uint64_t cnt[8], mtrade, npre;
static bool pre = true;
static FILE *itch = nullptr;
static uint64_t n_itch = 0, n_itch_pre = 0;
static void wi(uint8_t op, uint64_t oid, int p, uint32_t q, uint32_t sym, uint8_t side) {
    if (!itch)
        return;
    mewl_cmd c{};
    c.oid = oid;
    c.price = p;
    c.qty = q;
    c.sym = sym;
    c.op = op;
    c.side = side;
    c.flags = pre;
    fwrite(&c, 32, 1, itch);
    n_itch++;
    if (pre)
        n_itch_pre++;
}
static void emit(uint8_t op, uint64_t oid, int p, uint32_t q, uint32_t sym, uint8_t side, uint8_t tif, Rng &r) {
    mewl_cmd c{};
    c.oid = oid;
    c.price = p;
    c.qty = q;
    c.sym = sym;
    c.op = op;
    c.side = side;
    c.tif = tif;
    c.flags = pre;
    c.user = 1 + r.n(1000);
    out.push_back(c);
    bool waslive = op != OP_ADD && R->at(oid).live;
    R->apply(c);
    if (!pre) {
        cnt[op == OP_ADD && tif == TIF_IOC ? 0 : op]++;
        if (!R->last.empty())
            mtrade++;
    } else
        npre++;
    if (itch) {
        if (op == OP_CANCEL && waslive)
            wi(OP_CANCEL, oid, p, q, sym, side);
        if (op == OP_REPLACE && waslive && !R->last.empty())
            wi(OP_CANCEL, oid, p, 0, sym, side);
        for (auto &t : R->last)
            wi(OP_EXECUTE, t.m, t.p, t.q, sym, !side);
        if (op == OP_ADD && R->o[oid].live)
            wi(OP_ADD, oid, p, R->o[oid].qty, sym, side);
        if (op == OP_REPLACE && waslive) {
            if (R->last.empty())
                wi(OP_REPLACE, oid, p, q, sym, side);
            else if (R->o[oid].live)
                wi(OP_ADD, oid, p, R->o[oid].qty, sym, side);
        }
    }
}
int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "gen A|B|C|D out.mewl n [seed] [itch_out]\n");
        return 1;
    }
    char w = argv[1][0];
    uint64_t n = strtoull(argv[3], 0, 10);
    uint64_t seed = argc > 4 ? strtoull(argv[4], 0, 10) : 42;
    Rng r(seed);
    if (argc > 5) {
        itch = fopen(argv[5], "wb");
        mewl_hdr z{};
        fwrite(&z, sizeof z, 1, itch);
    }
    int ns = w == 'B' ? 100 : 1;
    Ref ref(ns);
    R = &ref;
    int pmin = 1, pmax = 0;
    if (w == 'A') { // exchange-core mix: ~1000 resting over ~750 price slots (375 a side), 9% GTC 3% IOC 6%
                    // cancel 82% move(replace)
        const int M = 100000, H = 375;
        pmin = M - H - 64;
        pmax = M + H + 64;
        auto pick = [&](int side) {
            int d = 1 + (int)r.n(H);
            return side == 0 ? M - d : M + d;
        };
        for (int i = 0; i < 1000; i++) {
            int s = r.n(2);
            emit(OP_ADD, nid++, pick(s), 1 + r.n(100), 0, s, TIF_GTC, r);
        }
        pre = false;
        while (out.size() - npre < n) {
            double x = r.d();
            auto &L = ref.slive[0];
            double fb = (double)L.size() / 1000;
            int s = r.n(2);
            if (x < 0.09 || L.size() < 200) {
                int p = pick(s);
                if (r.d() < 0.15 * fb * fb) {
                    int t = s == 0 ? ref.ba(0) : ref.bb(0);
                    if (t)
                        p = t;
                }
                emit(OP_ADD, nid++, p, 1 + r.n(100), 0, s, TIF_GTC, r);
            } else if (x < 0.12) {
                int t = s == 0 ? ref.ba(0) : ref.bb(0);
                if (!t)
                    continue;
                uint32_t q = 1 + (uint32_t)(r.n(6) * fb * fb * fb * fb);
                emit(OP_ADD, nid++, s == 0 ? t + 3 : t - 3, q, 0, s, TIF_IOC, r);
            } else if (x < 0.18) {
                uint64_t id = L[r.n(L.size())];
                Ord o = ref.o[id];
                emit(OP_CANCEL, id, o.price, o.qty, 0, o.side, 0, r);
            } else {
                uint64_t id = L[r.n(L.size())];
                Ord o = ref.o[id];
                int d = (int)r.n(41) - 20;
                int p = o.price + d;
                if (o.side == 0) {
                    if (p < M - H)
                        p = M - (int)r.n(H) - 1;
                    if (p >= M)
                        p = M - 1 - (int)r.n(20);
                } else {
                    if (p > M + H)
                        p = M + (int)r.n(H) + 1;
                    if (p <= M)
                        p = M + 1 + (int)r.n(20);
                }
                int a = ref.ba(0), b = ref.bb(0);
                if (o.side == 0 && a && p >= a)
                    p = a - 1;
                if (o.side == 1 && b && p <= b)
                    p = b + 1;
                if (r.d() < 0.0185 * fb * fb) {
                    int t = o.side == 0 ? a : b;
                    if (t)
                        p = t;
                }
                emit(OP_REPLACE, id, p, o.qty, 0, o.side, 0, r);
            }
        }
    } else if (w == 'B') { // ITCH-like: 100 symbols Zipf(1), 1M resting; add45 cancel42 replace5 execute(IOC at
                           // touch)8; 70% of cancels/replaces hit recent orders
        vector<double> cdf(ns);
        double t = 0;
        for (int i = 0; i < ns; i++) {
            t += 1.0 / (i + 1);
            cdf[i] = t;
        }
        for (auto &v : cdf)
            v /= t;
        vector<int> mid(ns);
        for (auto &m : mid)
            m = 20000 + r.n(40000);
        pmin = 1;
        pmax = 70000;
        auto sy = [&] { return (int)(lower_bound(cdf.begin(), cdf.end(), r.d()) - cdf.begin()); };
        auto depth = [&] {
            double u = r.d();
            int d = 1 + (int)(8.0 * (pow(1 - u, -1.0 / 1.2) - 1));
            return min(d, 9000);
        }; // power law tail
        vector<vector<uint64_t>> recent(ns, vector<uint64_t>(1024, 0));
        vector<uint32_t> rp(ns, 0);
        auto add = [&](int s) {
            int sd = r.n(2);
            int p = sd == 0 ? mid[s] - depth() : mid[s] + depth();
            int a = ref.ba(s), b = ref.bb(s);
            if (sd == 0 && a && p >= a)
                p = a - 1;
            if (sd == 1 && b && p <= b)
                p = b + 1;
            uint64_t id = nid++;
            emit(OP_ADD, id, p, (1 + r.n(5)) * 100, s, sd, TIF_GTC, r);
            recent[s][rp[s]++ & 1023] = id;
        };
        for (int i = 0; i < 1000000; i++)
            add(sy());
        pre = false;
        while (out.size() - npre < n) {
            int s = sy();
            auto &L = ref.slive[s];
            double x = r.d();
            double fb = (double)ref.nlive / 1e6;
            if (L.size() < 100 || x < 0.45) {
                add(s);
                continue;
            }
            auto pk = [&]() -> uint64_t {
                if (r.d() < 0.7) {
                    for (int k = 0; k < 4; k++) {
                        uint64_t id = recent[s][r.n(1024)];
                        if (id && ref.o[id].live)
                            return id;
                    }
                }
                return L[r.n(L.size())];
            };
            if (x < 0.87) {
                uint64_t id = pk();
                Ord o = ref.o[id];
                emit(OP_CANCEL, id, o.price, o.qty, s, o.side, 0, r);
            } else if (x < 0.92) {
                uint64_t id = pk();
                Ord o = ref.o[id];
                int p = o.side == 0 ? mid[s] - depth() : mid[s] + depth();
                int a = ref.ba(s), b = ref.bb(s);
                if (o.side == 0 && a && p >= a)
                    p = a - 1;
                if (o.side == 1 && b && p <= b)
                    p = b + 1;
                emit(OP_REPLACE, id, p, o.qty, s, o.side, 0, r);
            } else {
                int sd = r.n(2);
                int t = sd == 0 ? ref.ba(s) : ref.bb(s);
                if (!t)
                    continue;
                uint32_t q = (uint32_t)((1 + r.n(3)) * 100 * min(fb, 1.5));
                if (!q)
                    q = 1;
                emit(OP_ADD, nid++, t, q, s, sd, TIF_IOC, r);
                if (r.n(50) == 0)
                    mid[s] += (int)r.n(3) - 1;
            }
        }
    } else if (w == 'C') { // sparse/deep: prices uniform over 1e6 ticks, 500k resting, uniform picks
        const int M = 600000, H = 500000;
        pmin = M - H;
        pmax = M + H;
        auto pick = [&](int s) {
            int d = 1 + (int)r.n(H - 1);
            return s == 0 ? M - d : M + d;
        };
        for (int i = 0; i < 500000; i++) {
            int s = r.n(2);
            emit(OP_ADD, nid++, pick(s), 1 + r.n(100), 0, s, TIF_GTC, r);
        }
        pre = false;
        while (out.size() - npre < n) {
            auto &L = ref.slive[0];
            double x = r.d();
            int s = r.n(2);
            if (x < 0.42) {
                emit(OP_ADD, nid++, pick(s), 1 + r.n(100), 0, s, TIF_GTC, r);
            } else if (x < 0.80) {
                uint64_t id = L[r.n(L.size())];
                Ord o = ref.o[id];
                emit(OP_CANCEL, id, o.price, o.qty, 0, o.side, 0, r);
            } else if (x < 0.95) {
                uint64_t id = L[r.n(L.size())];
                Ord o = ref.o[id];
                int p = pick(o.side);
                int a = ref.ba(0), b = ref.bb(0);
                if (o.side == 0 && a && p >= a)
                    p = a - 1;
                if (o.side == 1 && b && p <= b)
                    p = b + 1;
                emit(OP_REPLACE, id, p, o.qty, 0, o.side, 0, r);
            } else {
                int t = s == 0 ? ref.ba(0) : ref.bb(0);
                if (!t)
                    continue;
                emit(OP_ADD, nid++, s == 0 ? t + 20 : t - 20, 1 + r.n(80), 0, s, TIF_IOC, r);
            }
        }
    } else if (w == 'D') { // sweep: deep ladder, ~300-level IOC sweeps (about 2 orders a level), refill between
        const int M = 100000, H = 4000;
        pmin = M - H - 8;
        pmax = M + H + 8;
        auto pick = [&](int s) {
            int d = 1 + (int)r.n(H);
            return s == 0 ? M - d : M + d;
        };
        for (int i = 0; i < 16000; i++) {
            int s = r.n(2);
            emit(OP_ADD, nid++, pick(s), 50, 0, s, TIF_GTC, r);
        }
        pre = false;
        int k = 0;
        while (out.size() - npre < n) {
            if (++k % 601 == 0) {
                int s = (k / 601) & 1;
                int t = s == 0 ? ref.ba(0) : ref.bb(0);
                if (!t)
                    continue;
                emit(OP_ADD, nid++, s == 0 ? t + 4000 : t - 4000, 600 * 50, 0, s, TIF_IOC, r);
            } else { // refill the side that was swept (near the touch: within the 300 swept levels)
                int s = ((k / 601) & 1) ? 0 : 1; /* last sweep of parity p consumed side opposite */
                int d = 1 + (int)r.n(300);
                int p = s == 0 ? M - d : M + d;
                int a = ref.ba(0), b = ref.bb(0);
                if (s == 0 && a && p >= a)
                    p = a - 1;
                if (s == 1 && b && p <= b)
                    p = b + 1;
                emit(OP_ADD, nid++, p, 50, 0, s, TIF_GTC, r);
            }
        }
    }
    mewl_hdr h{};
    h.magic = MEWL_MAGIC;
    h.version = 1;
    h.rec_size = 32;
    h.n_total = out.size();
    h.n_prefill = npre;
    h.nsym = ns;
    h.max_oid = nid;
    h.pmin = pmin;
    h.pmax = pmax;
    h.seed = seed;
    h.n_trades = ref.nt;
    h.trade_qty = ref.tq;
    h.trade_hash = ref.h;
    h.resting_end = ref.nlive;
    h.peak_resting = ref.peak;
    h.peak_levels_side = ref.plev;
    h.msgs_trading = mtrade;
    snprintf(h.name, 16, "%c", w);
    FILE *f = fopen(argv[2], "wb");
    fwrite(&h, sizeof h, 1, f);
    fwrite(out.data(), 32, out.size(), f);
    fclose(f);
    if (itch) {
        mewl_hdr z = h;
        z.n_total = n_itch;
        z.n_prefill = n_itch_pre;
        snprintf(z.name, 16, "%c-itch", w);
        fseek(itch, 0, SEEK_SET);
        fwrite(&z, sizeof z, 1, itch);
        fclose(itch);
    }
    double m = out.size() - npre;
    printf("%c total %zu prefill %lu | IOC %.2f%% GTC %.2f%% cancel %.2f%% replace %.2f%% | trading msgs "
           "%.2f%% trades %lu (%.3f/msg) | resting end %lu peak %lu levels/side peak %lu | oid max %lu hash "
           "%016lx | itch %lu\n",
           w, out.size(), npre, 100 * cnt[0] / m, 100 * cnt[1] / m, 100 * cnt[2] / m, 100 * cnt[3] / m,
           100 * mtrade / m, ref.nt, ref.nt / m, ref.nlive, ref.peak, ref.plev, nid, ref.h, n_itch);
}
