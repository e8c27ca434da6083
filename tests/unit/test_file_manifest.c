/* SPDX-License-Identifier: MIT */
#include "test_file_util.h"

#include "io/file_plan.h"
#include "io/manifest.h"

#include <sys/stat.h>

static const unsigned char file_one[32] = {1}, file_two[32] = {2}, plan_one[32] = {3};
static const struct manifest_key one = {file_one, plan_one};
static const struct manifest_key two = {file_two, plan_one};

/* A folder, and where the saved manifest lies in it. */
struct fixture {
    struct folder folder;
    char *path;
    struct err e;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){.folder = folder_make()};
    f->path = folder_path(&f->folder, "ledger.db.results.csv.rows");
}

static void teardown(struct fixture *f)
{
    mem_free(f->path);
    folder_remove(&f->folder);
}

/* Ids and contents by turns, as many as there are; a 0 ends them. */
static struct manifest *manifest_of(const struct fixture *f, const uint64_t *pairs)
{
    struct manifest *m = manifest_new(f->folder.path);
    struct err e;

    for (; pairs[0]; pairs += 2)
        assert_true(manifest_add(m, pairs[0], pairs[1], &e));
    return m;
}

#define ROWS(...) ((const uint64_t[]){__VA_ARGS__, 0})
#define NO_ROWS   ((const uint64_t[]){0})
#define HIGH      (UINT64_C(0xFF) << 56) /* in another part */

static void save(struct fixture *f, const uint64_t *pairs, bool ended_early)
{
    struct manifest *m = manifest_of(f, pairs);

    if (ended_early)
        manifest_end_early(m);
    if (!manifest_save(m, f->path, &one, &f->e))
        fail_msg("%s", f->e.text);
    manifest_free(m);
}

static bool compare(struct fixture *f, const uint64_t *pairs, struct manifest_changes *out)
{
    struct manifest *m = manifest_of(f, pairs);
    bool ok = manifest_compare(m, f->path, &one, out);

    manifest_free(m);
    return ok;
}

static void changes_are(const struct manifest_changes *c, uint64_t added, uint64_t gone,
                        uint64_t changed)
{
    assert_int_equal(c->added, added);
    assert_int_equal(c->gone, gone);
    assert_int_equal(c->changed, changed);
}

static void rows_are_told_apart(void **state)
{
    struct manifest_changes c;
    struct fixture f;

    (void)state;
    setup(&f);
    save(&f, ROWS(1, 10, HIGH | 2, 20, 3, 30, 4, 40), false);
    assert_true(compare(&f, ROWS(4, 40, 1, 10, HIGH | 2, 21, 5, 50, HIGH | 6, 60), &c));
    changes_are(&c, 2, 1, 1);
    assert_false(c.at_least);
    assert_true(compare(&f, ROWS(4, 40, 3, 30, HIGH | 2, 20, 1, 10), &c)); /* another order */
    changes_are(&c, 0, 0, 0);
    assert_true(compare(&f, NO_ROWS, &c));
    changes_are(&c, 0, 4, 0);
    teardown(&f);
}

static void it_is_private(void **state)
{
    struct fixture f;
    struct stat st;

    (void)state;
    setup(&f);
    save(&f, NO_ROWS, false);
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    teardown(&f);
}

static void of_another_file_counts_as_none(void **state)
{
    struct manifest_changes c;
    struct manifest *m;
    struct fixture f;

    (void)state;
    setup(&f);
    m = manifest_of(&f, ROWS(1, 10));
    assert_false(manifest_compare(m, f.path, &one, &c)); /* there is none yet */
    assert_true(manifest_save(m, f.path, &one, &f.e));
    assert_true(manifest_compare(m, f.path, &one, &c));
    assert_false(manifest_compare(m, f.path, &two, &c));
    assert_true(manifest_save(m, f.path, &two, &f.e));
    assert_false(manifest_compare(m, f.path, &one, &c));
    assert_true(manifest_compare(m, f.path, &two, &c));
    manifest_free(m);
    teardown(&f);
}

static void cannot_be_saved_says_where(void **state)
{
    struct manifest *m = manifest_new("/tmp");
    struct err e;

    (void)state;
    assert_false(manifest_save(m, "/nonexistent/x.rows", &one, &e));
    assert_int_equal(e.code, EXIT_CANT_CREATE);
    assert_non_null(strstr(e.text, "/nonexistent/x.rows"));
    manifest_free(m);
}

/* Every byte matters, and every length: damage is never taken for a difference. */
static void damaged_counts_as_none(void **state)
{
    struct manifest_changes c;
    struct fixture f;
    struct stat st;
    char *good;

    (void)state;
    setup(&f);
    save(&f, ROWS(1, 10, HIGH | 2, 20), false);
    assert_int_equal(stat(f.path, &st), 0);
    good = file_get(f.path);
    for (size_t i = 0; i < (size_t)st.st_size; i++) {
        good[i] ^= 4;
        file_put(f.path, good, (size_t)st.st_size);
        assert_false(compare(&f, ROWS(1, 10), &c));
        good[i] ^= 4;
    }
    for (size_t len = 0; len < (size_t)st.st_size; len += 5) {
        file_put(f.path, good, len);
        assert_false(compare(&f, ROWS(1, 10), &c));
    }
    save(&f, ROWS(1, 10), false); /* and is mended by the next saving */
    assert_true(compare(&f, ROWS(1, 10), &c));
    mem_free(good);
    teardown(&f);
}

static void limits_know_part_of_it(void **state)
{
    struct manifest_changes c;
    struct manifest *m;
    struct fixture f;

    (void)state;
    setup(&f);
    save(&f, ROWS(1, 10, 2, 20, 3, 30), true);
    assert_true(compare(&f, ROWS(1, 11, 2, 20, 4, 40, 5, 50), &c));
    changes_are(&c, 0, 1, 1); /* 4 and 5 may have been there, behind the limit */
    assert_true(c.at_least);

    save(&f, ROWS(1, 10, 2, 20, 3, 30), false);
    m = manifest_of(&f, ROWS(1, 11, 4, 40));
    manifest_end_early(m);
    assert_true(manifest_compare(m, f.path, &one, &c));
    changes_are(&c, 1, 0, 1); /* 2 and 3 may come, behind the limit */
    assert_true(c.at_least);
    manifest_free(m);
    teardown(&f);
}

static void limited_plan_never_replaces_a_fuller_one(void **state)
{
    struct manifest_changes c;
    struct fixture f;

    (void)state;
    setup(&f);
    save(&f, ROWS(1, 10), true);
    save(&f, ROWS(1, 10, 2, 20), true); /* a larger limit */
    save(&f, ROWS(1, 10), true);
    assert_true(compare(&f, NO_ROWS, &c));
    changes_are(&c, 0, 2, 0);
    save(&f, ROWS(1, 10, 2, 20), false); /* no limit: all is known now */
    save(&f, ROWS(1, 10), true);
    assert_true(compare(&f, NO_ROWS, &c));
    changes_are(&c, 0, 2, 0);
    assert_false(c.at_least);
    teardown(&f);
}

/* ---- What the plan of a file keeps. */

static struct manifest *plan_manifest(struct fixture *f, const char *text, uint64_t limit)
{
    char *csv = folder_path(&f->folder, "in.csv");
    struct file_plan_options options = {.temp_dir = f->folder.path, .limit = limit};
    struct file_source *s;
    struct file_plan plan;

    options.manifest = manifest_new(f->folder.path);
    file_put(csv, text, strlen(text));
    assert_true(file_source_open(csv, &test_context, &s, &f->e));
    if (!file_plan_make(s, &options, &plan, &f->e))
        fail_msg("%s", f->e.text);
    file_source_close(s);
    mem_free(csv);
    return options.manifest;
}

static void files_differ_by(struct fixture *f, struct manifest *before, struct manifest *now,
                            struct manifest_changes *c)
{
    (void)unlink(f->path); /* what an earlier comparison left */
    assert_true(manifest_save(before, f->path, &one, &f->e));
    assert_true(manifest_compare(now, f->path, &one, c));
    manifest_free(before);
    manifest_free(now);
}

static void plan_keeps_rows_that_hold(void **state)
{
    static const char before[] = "to,name,id\n+919800000001,Asha,a\n+919800000002,Ravi,b\n"
                                 "+919800000003,Zoya,a\nbad,row,x\n+919800000001,Asha,a\n";
    static const char now[] = "to,name,id\n+919800000004,Meera,c\n+919800000002,Ravi K,b\n"
                              "+919800000001,Asha,a\nbad,other,y\n";
    struct manifest_changes c;
    struct fixture f;

    (void)state;
    setup(&f);
    files_differ_by(&f, plan_manifest(&f, before, 0), plan_manifest(&f, now, 0), &c);
    changes_are(&c, 1, 0, 1);
    assert_false(c.at_least);
    files_differ_by(&f, plan_manifest(&f, before, 1), plan_manifest(&f, now, 0), &c);
    changes_are(&c, 0, 0, 0);
    assert_true(c.at_least);
    teardown(&f);
}

static void edited_row_without_id_is_gone_and_new(void **state)
{
    struct manifest_changes c;
    struct fixture f;

    (void)state;
    setup(&f);
    files_differ_by(&f, plan_manifest(&f, "to,name\n+919800000001,Asha\n", 0),
                    plan_manifest(&f, "to,name\n+919800000001,Asha K\n", 0), &c);
    changes_are(&c, 1, 1, 0);
    teardown(&f);
}

/* ---- Against a model: all ids in two arrays. */

enum { IDS = 40000, SEEDS = 12 }; /* enough for parts of several chunks, few of them on disk */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return *state >> 33;
}

/* A third of the seeds use few parts only, so that some are large and most are empty. */
static uint64_t id_of(uint64_t seed, uint64_t index)
{
    uint64_t spread = (index + 1) * 0x9E3779B97F4A7C15u;

    return seed % 3 == 0 ? (spread & (UINT64_C(3) << 56)) | (index + 1) : spread;
}

struct pair {
    struct manifest *before;
    struct manifest *now;
    struct manifest_changes want;
};

/* Content 0: the row is not in that file. */
static void add_row(struct pair *p, uint64_t id, uint64_t before, uint64_t now)
{
    struct err e;

    assert_true(!before || manifest_add(p->before, id, before, &e));
    assert_true(!now || manifest_add(p->now, id, now, &e));
    p->want.added += !before && now;
    p->want.gone += before && !now;
    p->want.changed += before && now && before != now;
}

static void changes_are_the_models(void **state)
{
    struct manifest_changes c;
    struct fixture f;

    (void)state;
    setup(&f);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct pair p = {manifest_new(f.folder.path), manifest_new(f.folder.path), {0}};
        uint64_t random = seed, count = next_random(&random) % IDS, kinds = 3 + seed % 2 * 50;

        for (uint64_t i = 0; i < count; i++) {
            uint64_t before = next_random(&random) % kinds, now = next_random(&random) % kinds;

            add_row(&p, id_of(seed, i), before, now);
        }
        files_differ_by(&f, p.before, p.now, &c);
        changes_are(&c, p.want.added, p.want.gone, p.want.changed);
    }
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_told_apart),
        cmocka_unit_test(it_is_private),
        cmocka_unit_test(of_another_file_counts_as_none),
        cmocka_unit_test(cannot_be_saved_says_where),
        cmocka_unit_test(damaged_counts_as_none),
        cmocka_unit_test(limits_know_part_of_it),
        cmocka_unit_test(limited_plan_never_replaces_a_fuller_one),
        cmocka_unit_test(plan_keeps_rows_that_hold),
        cmocka_unit_test(edited_row_without_id_is_gone_and_new),
        cmocka_unit_test(changes_are_the_models),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
