/* SPDX-License-Identifier: MIT */
#include "base/metrics.h"

#include <inttypes.h>
#include <math.h>

static const char *const type_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

/* '"' is escaped in the values of labels alone. */
static void add_escaped(struct buf *out, const char *text, bool in_quotes)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_adds(out, "\\n");
        else if (*text == '\\')
            buf_adds(out, "\\\\");
        else if (*text == '"' && in_quotes)
            buf_adds(out, "\\\"");
        else
            buf_addc(out, *text);
    }
}

void metrics_family(struct metrics *m, enum metric_type type, const char *name, const char *help)
{
    m->name = name;
    buf_addf(m->out, "# HELP %s ", name);
    add_escaped(m->out, help, false);
    buf_addf(m->out, "\n# TYPE %s %s\n", name, type_names[type]);
}

static void begin_sample(const struct metrics *m, struct metric_label label)
{
    buf_adds(m->out, m->name);
    if (label.name) {
        buf_addf(m->out, "{%s=\"", label.name);
        add_escaped(m->out, label.value, true);
        buf_adds(m->out, "\"}");
    }
    buf_addc(m->out, ' ');
}

static void add_double(struct buf *out, double value)
{
    if (isnan(value))
        buf_adds(out, "NaN");
    else if (isinf(value))
        buf_adds(out, value > 0 ? "+Inf" : "-Inf");
    else
        buf_addf(out, "%.12g", value);
}

void metrics_count(const struct metrics *m, struct metric_label label, uint64_t value)
{
    begin_sample(m, label);
    buf_addf(m->out, "%" PRIu64 "\n", value);
}

void metrics_value(const struct metrics *m, struct metric_label label, double value)
{
    begin_sample(m, label);
    add_double(m->out, value);
    buf_addc(m->out, '\n');
}

void metrics_histogram(const struct metrics *m, const double *bounds, size_t count,
                       const struct histogram *h)
{
    for (size_t i = 0; i < count; i++) {
        buf_addf(m->out, "%s_bucket{le=\"", m->name);
        add_double(m->out, bounds[i]);
        buf_addf(m->out, "\"} %" PRIu64 "\n",
                 h ? histogram_count_up_to(h, (int64_t)(bounds[i] * 1e6)) : 0);
    }
    buf_addf(m->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", m->name, h ? h->count : 0);
    buf_addf(m->out, "%s_sum ", m->name);
    add_double(m->out, h ? (double)h->sum / 1e6 : 0);
    buf_addf(m->out, "\n%s_count %" PRIu64 "\n", m->name, h ? h->count : 0);
}
