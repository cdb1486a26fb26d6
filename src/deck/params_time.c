/* SPDX-License-Identifier: MIT */
/* params_time.c - times and intervals: "1.5 h", "11h30m", "D-HH:MM:SS". */
#include "deck/params_parse.h"

#include "deck/params_number.h"

#include <math.h>
#include <string.h>

static const double most = 1e9; /* seconds, steps: 31 years */

static const struct unit_name {
    const char *name;
    enum unit unit;
    double size;
} units[] = {
    {"d", UNIT_SECONDS, 86400}, {"h", UNIT_SECONDS, 3600},
    {"min", UNIT_SECONDS, 60},  {"m", UNIT_SECONDS, 60},
    {"s", UNIT_SECONDS, 1},     {"step", UNIT_STEPS, 1},
    {"steps", UNIT_STEPS, 1},   {"epoch", UNIT_EPOCHS, 1},
    {"epochs", UNIT_EPOCHS, 1},
};
enum { UNITS = sizeof units / sizeof *units };

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Two digits below 60, the end of a clock's field; or -1. */
static int sixtieth(const char *s)
{
    int x =
        is_digit(s[0]) && is_digit(s[1]) ? 10 * (s[0] - '0') + s[1] - '0' : 60;

    return x < 60 ? x : -1;
}

/* Up to six digits at *s, which moves behind them; or -1. */
static int count(const char **s)
{
    int x = 0, n = 0;

    for (; is_digit(**s) && n < 6; n++)
        x = 10 * x + *(*s)++ - '0';
    return n ? x : -1;
}

/* HH:MM:SS or D-HH:MM:SS, as schedulers write them. */
static int parse_clock(const char *s, double *out)
{
    int days = 0, hours = count(&s), minutes, seconds;

    if (*s == '-') {
        days = hours;
        s++;
        hours = count(&s);
        if (hours > 23)
            return 0;
    }
    if (days < 0 || hours < 0 || strlen(s) != 6 || s[0] != ':' || s[3] != ':')
        return 0;
    minutes = sixtieth(s + 1);
    seconds = sixtieth(s + 4);
    if (minutes < 0 || seconds < 0)
        return 0;
    *out = 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds;
    return 1;
}

static size_t blanks(const char *s)
{
    return strspn(s, " ");
}

/* Length of the number at s: an e is an exponent's when a digit follows. */
static size_t number_length(const char *s)
{
    size_t n = strspn(s, "+-0123456789.");

    if (n && (s[n] == 'e' || s[n] == 'E')) {
        size_t sign = s[n + 1] == '+' || s[n + 1] == '-';

        if (is_digit(s[n + 1 + sign]))
            n += 1 + sign + strspn(s + n + 1 + sign, "0123456789");
    }
    return n;
}

/* One "NUMBER UNIT" at *s, which moves behind it. */
static const struct unit_name *part(const char **s, double *amount)
{
    size_t n = number_length(*s), letters;

    if (!params_number(*s, n, amount))
        return NULL;
    *s += n;
    *s += blanks(*s);
    letters = strspn(*s, "abcdefghijklmnopqrstuvwxyz");
    for (int i = 0; i < UNITS; i++)
        if (strlen(units[i].name) == letters &&
            memcmp(units[i].name, *s, letters) == 0) {
            *s += letters;
            *s += blanks(*s);
            return &units[i];
        }
    return NULL;
}

/* Parts of a time in falling order, or one number of steps or epochs. */
static int parse_parts(const char *s, struct interval *out)
{
    const struct unit_name *last = NULL;

    *out = (struct interval){.unit = UNIT_NONE};
    s += blanks(s);
    do {
        double amount;
        const struct unit_name *u = part(&s, &amount);

        if (!u || amount < 0)
            return 0;
        if (last && (u->unit != UNIT_SECONDS || last->unit != UNIT_SECONDS ||
                     u->size >= last->size))
            return 0;
        out->unit = u->unit;
        out->amount += amount * u->size;
        last = u;
    } while (*s);
    return 1;
}

int params_parse_interval(const char *s, struct interval *out)
{
    struct interval i = {.unit = UNIT_SECONDS};

    if (!(strchr(s, ':') ? parse_clock(s, &i.amount) : parse_parts(s, &i)))
        return 0;
    if (!(i.amount > 0 && i.amount <= most))
        return 0;
    if (i.unit != UNIT_SECONDS && i.amount > floor(i.amount))
        return 0;
    *out = i;
    return 1;
}
