/* SPDX-License-Identifier: MIT */
#include "test_file_util.h"

#include "base/hash.h"
#include "base/text.h"
#include "io/file_plan.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A file in a folder of its own, its rejects, and the plan of it. */
struct fixture {
    struct folder folder;
    char *path;
    char *rejects;
    struct file_plan_options options;
    struct file_plan plan;
    struct err e;
};

static void setup(struct fixture *f, const char *name)
{
    *f = (struct fixture){.folder = folder_make()};
    f->path = folder_path(&f->folder, name);
    f->rejects = folder_path(&f->folder, "rejected.csv");
    f->options.temp_dir = f->folder.path;
    f->options.rejects_path = f->rejects;
}

static void teardown(struct fixture *f)
{
    mem_free(f->path);
    mem_free(f->rejects);
    folder_remove(&f->folder);
}

static bool plan_path(struct fixture *f, const char *path)
{
    struct file_source *s;
    bool ok;

    if (!file_source_open(path, &test_context, &s, &f->e))
        return false;
    ok = file_plan_make(s, &f->options, &f->plan, &f->e);
    file_source_close(s);
    return ok;
}

static void plan_of(struct fixture *f, const char *text)
{
    file_put(f->path, text, strlen(text));
    if (!plan_path(f, f->path))
        fail_msg("%s", f->e.text);
}

static void rejects_are(const struct fixture *f, const char *text)
{
    char *got = file_get(f->rejects);

    assert_string_equal(got, text);
    mem_free(got);
}

static void good_file_has_no_rejects(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "good.csv");
    file_put(f.rejects, "from before", 11);
    plan_of(&f, "to,name,id\n"
                "+919800000001,Asha,a\n+919800000002,Ravi,b\n+91 98000-00001,Asha,c\n");
    assert_int_equal(f.plan.rows, 3);
    assert_int_equal(f.plan.valid, 3);
    assert_int_equal(f.plan.rejected + f.plan.duplicates + f.plan.reused, 0);
    assert_int_equal(f.plan.recipients, 2);
    assert_int_equal(f.plan.last_line, 4);
    assert_string_equal(f.plan.first_to, "+919800000001");
    assert_string_equal(f.plan.first_id, "a");
    assert_string_equal(f.plan.first_reject, "");
    assert_int_equal(access(f.rejects, F_OK), -1);
    teardown(&f);
}

/* Broken rows, reused ids and duplicates in one file; the rejects come by rising line. */
static void rejects_are_written_whole(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "mixed.csv");
    plan_of(&f, "to,name,id,note\n"
                "+919800000001,Asha,a,\n"
                "+919800000002,Ravi,b\n"
                "+919800000003,Zoya,a,\"x, \"\"y\"\"\n z\"\n"
                "+919800000001,Asha,a,again\n"
                "+919800000004,5\" pipe,d,\n"
                "+919800000005,Meera,a,\n"
                "+919800000006,Kavya,\"f,\n");
    assert_int_equal(f.plan.rows, 7);
    assert_int_equal(f.plan.valid, 1);
    assert_int_equal(f.plan.duplicates, 1);
    assert_int_equal(f.plan.reused, 2);
    assert_int_equal(f.plan.rejected, 5);
    assert_int_equal(f.plan.recipients, 1);
    assert_string_equal(f.plan.first_reject, "line 3: the row has 3 fields, the header has 4");
    rejects_are(&f,
                "to,name,id,note,line,reason\n"
                "\"+919800000002,Ravi,b\",,,,3,\"the row has 3 fields, the header has 4\"\n"
                "+919800000003,Zoya,a,\"x, \"\"y\"\"\n z\",4,"
                "id_reused: the row in line 2 has the same id and other content\n"
                "\"+919800000004,5\"\" pipe,d,\",,,,7,\"quotes: a field that holds a quote stands "
                "in quotes as a whole, and each quote within is doubled\"\n"
                "+919800000005,Meera,a,,8,"
                "id_reused: the row in line 2 has the same id and other content\n"
                "\"+919800000006,Kavya,\"\"f,\",,,,9,"
                "a quote that opens in this row is never closed\n");
    teardown(&f);
}

/* What the ledger refused is written aside: the first row that says so, in its place. */
static void rows_that_were_refused(void **state)
{
    static const char text[] = "to,name,id\n+919800000001,Asha,a\n98,Ravi,b\n"
                               "+919800000003,Zoya,c\n+919800000003,Zoya,c\n"
                               "+919800000004,Kavya,a\n+919800000005,Meera,d\n";
    struct file_source *s;
    struct fixture f;
    struct row row;

    (void)state;
    setup(&f, "refused.csv");
    file_put(f.path, text, strlen(text));
    assert_true(file_source_open(f.path, &test_context, &s, &f.e));
    f.options.refused = map_new();
    for (row.line = 0; row.line < 7;) {
        assert_true(file_source_next(s, &row, &f.e));
        if (row.line == 4 || row.line == 6) /* c; a again, which the file itself reuses */
            map_put(f.options.refused, file_plan_key(row.message), 0);
        message_free(row.message);
    }
    file_source_close(s);
    assert_true(plan_path(&f, f.path));
    assert_int_equal(f.plan.refused, 1);
    assert_int_equal(f.plan.rejected, 2);
    rejects_are(&f, "to,name,id,line,reason\n"
                    "98,Ravi,b,3,\"to: \"\"98\"\" has no '+' and country code; E.164 with '+', 8 "
                    "to 15 digits, is allowed\"\n"
                    "+919800000003,Zoya,c,4,id_reused: the ledger has this id with other content; "
                    "`tidings log --id` shows it\n"
                    "+919800000004,Kavya,a,6,"
                    "id_reused: the row in line 2 has the same id and other content\n");
    map_free(f.options.refused);
    teardown(&f);
}

static void rejects_are_private(void **state)
{
    struct fixture f;
    struct stat st;

    (void)state;
    setup(&f, "one.csv");
    plan_of(&f, "to,name\n+919800000001\n");
    assert_int_equal(stat(f.rejects, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    teardown(&f);
}

/* A rejects file is refused row by row as it is, with the same columns, and taken once mended. */
static void mended_rejects_are_a_valid_file(void **state)
{
    struct fixture f;
    struct buf mended = buf_new(4096);
    char *path, *first, *second, *bad;

    (void)state;
    setup(&f, "first.csv");
    plan_of(&f, "ref,to,name\n"
                "1,+919800000001,\n"
                "2,+919800000002,Ravi,Kumar\n"
                "3,98,\"Zoya, BSc\"\n"
                "4,+919800000004,Jos\xE9\n");
    assert_int_equal(f.plan.rejected, 4);
    path = folder_path(&f.folder, "second.csv");
    assert_int_equal(rename(f.rejects, path), 0);
    first = file_get(path);
    assert_int_equal(strncmp(first, "ref,to,name,line,reason\n", 24), 0);

    assert_true(plan_path(&f, path));
    assert_int_equal(f.plan.rejected, 4);
    assert_int_equal(f.plan.valid, 0);
    second = file_get(f.rejects);
    assert_int_equal(strncmp(second, "ref,to,name,line,reason\n", 24), 0);

    bad = strstr(first, ",98,");
    assert_non_null(bad);
    buf_add(&mended, first, (size_t)(bad - first));
    buf_addf(&mended, ",+919800000003,%s", bad + 4);
    file_put(path, mended.data, mended.len);
    assert_true(plan_path(&f, path));
    assert_int_equal(f.plan.rejected, 3);
    assert_int_equal(f.plan.valid, 1);
    assert_string_equal(f.plan.first_to, "+919800000003");
    mem_free(path);
    mem_free(first);
    mem_free(second);
    buf_free(&mended);
    teardown(&f);
}

static void rejects_of_jsonl_have_all_keys(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "mixed.jsonl");
    plan_of(&f, "not JSON, \"at all\"\n"
                "{\"name\":\"Asha\",\"to\":\"+919800000001\",\"id\":\"a\"}\n"
                "{\"to\":\"+919800000002\",\"id\":\"a\",\"params\":[\"x\"],\"test_num\":7}\n");
    assert_int_equal(f.plan.rejected, 2);
    assert_int_equal(f.plan.reused, 1);
    assert_int_equal(strncmp(f.plan.first_reject, "line 1: ", 8), 0);
    assert_true(plan_path(&f, f.rejects)); /* it is CSV */
    assert_int_equal(f.plan.rows, 2);
    assert_int_equal(f.plan.valid, 1); /* what was reused is alone there */
    teardown(&f);
}

static void late_key_of_a_bad_row_gets_its_column(void **state)
{
    struct fixture f;
    char *got;

    (void)state;
    setup(&f, "late.jsonl");
    plan_of(&f, "{\"to\":\"1\"}\n{\"to\":\"2\",\"ref\":\"x\"}\n");
    got = file_get(f.rejects);
    assert_int_equal(strncmp(got, "to,ref,line,reason\n1,,1,", 24), 0);
    assert_non_null(strstr(got, "\n2,x,2,"));
    mem_free(got);
    teardown(&f);
}

static void dry_run_writes_nothing(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "dry.csv");
    file_put(f.rejects, "from before", 11);
    f.options.rejects_path = NULL;
    plan_of(&f, "to,name,id\n+919800000001,Asha,a\n+919800000002,Ravi,a\nx\n");
    assert_int_equal(f.plan.rejected, 2);
    assert_string_equal(f.plan.first_reject, "line 3: id_reused: the row in line 2 has the same id "
                                             "and other content");
    rejects_are(&f, "from before");
    teardown(&f);
}

static void limit_counts_distinct_messages(void **state)
{
    static const char text[] = "to,name,id\n"
                               "+919800000001,Asha,a\n"
                               "+919800000001,Asha,a\n"
                               "bad,Asha,x\n"
                               "+919800000002,Ravi,a\n"
                               "+919800000002,Ravi,b\n"
                               "+919800000002,Ravi,b\n"
                               "+919800000003,Zoya,c\n"
                               "bad,Asha,y\n";
    unsigned char whole[32];
    struct fixture f;

    (void)state;
    setup(&f, "limit.csv");
    plan_of(&f, text);
    memcpy(whole, f.plan.file_hash, sizeof(whole));
    assert_int_equal(f.plan.valid, 3);
    f.options.limit = 2;
    plan_of(&f, text);
    assert_int_equal(f.plan.valid, 2);
    assert_int_equal(f.plan.rows, 5);
    assert_int_equal(f.plan.duplicates, 1);
    assert_int_equal(f.plan.rejected, 2);
    assert_int_equal(f.plan.last_line, 6);
    assert_memory_equal(f.plan.file_hash, whole, sizeof(whole));
    f.options.limit = 99;
    plan_of(&f, text);
    assert_int_equal(f.plan.valid, 3);
    assert_int_equal(f.plan.rejected, 3);
    teardown(&f);
}

static bool on_progress(void *context, uint64_t position, uint64_t size)
{
    int *calls = context;

    assert_true(position <= size);
    return ++*calls < 2;
}

static void reading_can_be_stopped(void **state)
{
    struct buf text = buf_new(1 << 20);
    struct fixture f;
    int calls = 0;

    (void)state;
    setup(&f, "stop.csv");
    buf_adds(&text, "to,name\n");
    for (int i = 0; i < 5000; i++)
        buf_adds(&text, "bad,row\n");
    file_put(f.path, text.data, text.len);
    file_put(f.rejects, "from before", 11);
    f.options.on_progress = on_progress;
    f.options.context = &calls;
    assert_false(plan_path(&f, f.path));
    assert_int_equal(f.e.code, EXIT_WORK_LEFT);
    assert_int_equal(calls, 2);
    rejects_are(&f, "from before");
    buf_free(&text);
    teardown(&f);
}

static void rejects_that_cannot_be_written_are_an_error(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "bad.csv");
    f.options.rejects_path = "/nonexistent/rejected.csv";
    file_put(f.path, "to,name\nbad,row\n", 16);
    assert_false(plan_path(&f, f.path));
    assert_int_equal(f.e.code, EXIT_CANT_CREATE);
    assert_non_null(strstr(f.e.text, "/nonexistent/rejected.csv"));
    teardown(&f);
}

/* ---- Counts against a model that keeps everything in memory. */

enum { IDS = 40, NAMES = 3, NUMBERS = 6, ROWS = 300, FILES = 60 };

struct model {
    uint64_t state; /* of the generator */
    struct buf text;
    int content[IDS]; /* of the first row with that id; -1: none yet */
    bool numbers[NUMBERS];
    struct file_plan want;
    uint64_t reject_lines[ROWS];
    uint64_t line;
};

static int below(struct model *m, int limit)
{
    m->state = m->state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (int)((m->state >> 33) % (uint64_t)limit);
}

static void model_reject(struct model *m)
{
    m->reject_lines[m->want.rejected++] = m->line;
}

static void model_valid(struct model *m, int id, int number, int name)
{
    int content = number * NAMES + name;

    if (m->content[id] < 0) {
        m->content[id] = content;
        m->numbers[number] = true;
        m->want.valid++;
    } else if (m->content[id] == content) {
        m->want.duplicates++;
    } else {
        m->want.reused++;
        model_reject(m);
    }
}

static void model_row(struct model *m)
{
    int id = below(m, IDS), number = below(m, NUMBERS), name = below(m, NAMES);
    int kind = below(m, 12);

    m->want.rows++;
    if (kind == 0) {
        model_reject(m);
        buf_addf(&m->text, "+91980000000%d,n%d\n", number, name);
    } else if (kind == 1) {
        model_reject(m);
        buf_addf(&m->text, "+91980000000%d,\"n\"%d,i%d,\n", number, name, id);
    } else {
        model_valid(m, id, number, name);
        buf_addf(&m->text, "+91980000000%d,n%d,i%d,\"%s\"\n", number, name, id,
                 kind == 2 ? "a\nb" : "a");
        m->line += kind == 2;
    }
    m->line++;
}

static struct model model_make(uint64_t seed)
{
    struct model m = {.state = seed, .text = buf_new(1 << 20), .line = 2};

    for (int i = 0; i < IDS; i++)
        m.content[i] = -1;
    buf_adds(&m.text, "to,name,id,note\n");
    for (int i = 0, rows = below(&m, ROWS); i < rows; i++)
        model_row(&m);
    for (int i = 0; i < NUMBERS; i++)
        m.want.recipients += m.numbers[i];
    return m;
}

static uint64_t line_of(const struct file_source *s)
{
    const struct field *fields;
    size_t count = file_source_fields(s, &fields);
    char text[32];
    int64_t line = 0;

    assert_int_equal(count, 6);
    assert_string_equal(fields[4].name, "line");
    text_copy(text, sizeof(text), fields[4].value, fields[4].len);
    assert_true(text_to_int(text, 1, INT64_MAX, &line));
    return (uint64_t)line;
}

static void reject_lines_are(struct fixture *f, const struct model *m)
{
    struct file_source *s;
    struct row row;

    if (m->want.rejected == 0) {
        assert_int_equal(access(f->rejects, F_OK), -1);
        return;
    }
    assert_true(file_source_open(f->rejects, &test_context, &s, &f->e));
    for (uint64_t i = 0; i < m->want.rejected; i++) {
        assert_true(file_source_next(s, &row, &f->e));
        assert_int_equal(line_of(s), m->reject_lines[i]);
        message_free(row.message);
    }
    assert_true(file_source_next(s, &row, &f->e));
    assert_int_equal(row.kind, ROW_END);
    file_source_close(s);
}

static void counts_are_the_models(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "random.csv");
    for (uint64_t seed = 1; seed <= FILES; seed++) {
        struct model m = model_make(seed);

        plan_of(&f, buf_text(&m.text));
        assert_int_equal(f.plan.rows, m.want.rows);
        assert_int_equal(f.plan.valid, m.want.valid);
        assert_int_equal(f.plan.duplicates, m.want.duplicates);
        assert_int_equal(f.plan.reused, m.want.reused);
        assert_int_equal(f.plan.rejected, m.want.rejected);
        assert_int_equal(f.plan.recipients, m.want.recipients);
        reject_lines_are(&f, &m);
        buf_free(&m.text);
    }
    teardown(&f);
}

/* ---- Standard input. */

static void input_is_copied_whole(void **state)
{
    struct fixture f;
    struct stat st;
    char *got;
    int fd;

    (void)state;
    setup(&f, "in.csv");
    file_put(f.path, "to,name\n\0\xFF", 10);
    fd = open(f.path, O_RDONLY);
    assert_true(file_plan_copy_input(fd, f.rejects, &f.e));
    assert_int_equal(close(fd), 0);
    assert_int_equal(stat(f.rejects, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 10);
    got = file_get(f.rejects);
    assert_memory_equal(got, "to,name\n\0\xFF", 10);
    mem_free(got);
    teardown(&f);
}

static void input_that_fails_leaves_nothing(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    setup(&f, "in.csv");
    fd = open(f.folder.path, O_RDONLY); /* reading a directory fails */
    assert_false(file_plan_copy_input(fd, f.rejects, &f.e));
    assert_int_equal(f.e.code, EXIT_NO_INPUT);
    assert_int_equal(access(f.rejects, F_OK), -1);
    assert_false(file_plan_copy_input(fd, "/nonexistent/copy.csv", &f.e));
    assert_int_equal(f.e.code, EXIT_CANT_CREATE);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rmdir(f.folder.path), 0); /* no temporary file is left either */
    assert_int_equal(mkdir(f.folder.path, 0700), 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file_has_no_rejects),
        cmocka_unit_test(rejects_are_written_whole),
        cmocka_unit_test(rows_that_were_refused),
        cmocka_unit_test(rejects_are_private),
        cmocka_unit_test(mended_rejects_are_a_valid_file),
        cmocka_unit_test(rejects_of_jsonl_have_all_keys),
        cmocka_unit_test(late_key_of_a_bad_row_gets_its_column),
        cmocka_unit_test(dry_run_writes_nothing),
        cmocka_unit_test(limit_counts_distinct_messages),
        cmocka_unit_test(reading_can_be_stopped),
        cmocka_unit_test(rejects_that_cannot_be_written_are_an_error),
        cmocka_unit_test(counts_are_the_models),
        cmocka_unit_test(input_is_copied_whole),
        cmocka_unit_test(input_that_fails_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
