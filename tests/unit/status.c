/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.c - text and tables in the columns of a terminal. */
#include "../tap.h"

#include "status/table.h"
#include "status/text.h"

#include <stdlib.h>

#define ARABIC "\xd9\x85\xd9\x8f\xd8\xad\xd8\xa7\xd8\xb6\xd8\xb1\xd8\xa9" /* with a vowel sign */
#define WIDE "\xe6\xbc\xa2\xe5\xad\x97"                                   /* two ideographs */
#define DOTS "\xe2\x80\xa6"

static void test_columns(void)
{
    OK(mt_text_columns("abc") == 3, "ASCII");
    OK(mt_text_columns(ARABIC) == 6, "an Arabic vowel sign takes no column");
    OK(mt_text_columns(WIDE) == 4, "ideographs take two");
    OK(mt_text_columns("\xf0\x9f\x8e\xac") == 2, "so does an emoji");
    OK(mt_text_columns("e\xcc\x81") == 1, "a combining accent takes none");
    OK(mt_text_columns("") == 0, "nothing takes none");
    OK(mt_text_columns_of(0xe0100) == 0 && mt_text_columns_of(0x3fffd) == 2 &&
           mt_text_columns_of(0x2e7f) == 1,
       "the ends of the tables");
}

static void cut_is(const char *text, int columns, const char *wanted, const char *what)
{
    char *got = mt_text_cut(text, columns);

    IS_STR(got, wanted, what);
    OK(mt_text_columns(got) <= (columns > 0 ? columns : 0), "and is not too wide");
    free(got);
}

static void test_cut(void)
{
    cut_is("abcdef", 6, "abcdef", "what fits stays");
    cut_is("abcdef", 5, "abcd" DOTS, "what does not is cut");
    cut_is("abcdef", 1, DOTS, "down to the ellipsis");
    cut_is("abcdef", 0, "", "down to nothing");
    cut_is(WIDE, 3, "\xe6\xbc\xa2" DOTS, "never inside a wide character");
    cut_is(WIDE, 2, DOTS, "nor before one that does not fit");
    cut_is(ARABIC, 2, "\xd9\x85\xd9\x8f" DOTS, "a vowel sign stays with its letter");
}

static void age_is(long long seconds, const char *wanted)
{
    char out[MT_AGE_TEXT];
    int64_t now = INT64_C(1768485600000000); /* 2026-01-15T14:00:00Z */

    IS_STR(mt_text_age(now - seconds * 1000000, now, out), wanted, wanted);
}

static void test_ages(void)
{
    age_is(0, "just now");
    age_is(-100, "just now");
    age_is(59, "59 s ago");
    age_is(60, "1 min ago");
    age_is(3599, "59 min ago");
    age_is(3600, "1 h ago");
    age_is(48 * 3600 - 1, "47 h ago");
    age_is(48 * 3600, "2 d ago");
    age_is(59LL * 86400, "59 d ago");
    age_is(60LL * 86400, "2025-11-16");
}

/* --- tables --- */

static const struct mt_column columns[] = {
    {.title = "ID"},
    {.title = "STATUS", .status = true, .rank = 1},
    {.title = "SIZE", .right = true, .rank = 3},
    {.title = "NONE", .rank = 4},
    {.title = "NAME", .least = 6, .rank = 2},
};

static void table_is(int width, bool color, const char *wanted, const char *what)
{
    struct mt_table table;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    struct mt_table_style style = {out, width, color};

    mt_table_init(&table, columns, 5);
    mt_table_add(&table, (const char *const[]){"1234", "failed", "9 B", NULL, "a\nb\033[31m"});
    mt_table_add(&table, (const char *const[]){"5678", "completed", "12 kB", "", "long name.mp4"});
    mt_table_add(&table, (const char *const[]){"9abc", "ok", NULL, NULL, WIDE});
    mt_table_print(&table, &style);
    mt_table_free(&table);
    fclose(out);
    IS_STR(text, wanted, what);
    free(text);
}

static void test_tables(void)
{
    table_is(80, false,
             "ID    STATUS      SIZE  NAME\n"
             "1234  failed       9 B  a\\x0ab\\x1b[31m\n"
             "5678  completed  12 kB  long name.mp4\n"
             "9abc  ok                " WIDE "\n",
             "wide enough; empty columns are left out, control characters escaped");
    table_is(30, false,
             "ID   STATUS     SIZE NAME\n"
             "1234 failed      9 B a\\x0ab\\x" DOTS "\n"
             "5678 completed 12 kB long nam" DOTS "\n"
             "9abc ok              " WIDE "\n",
             "names are cut first");
    table_is(24, false,
             "ID   STATUS    NAME\n"
             "1234 failed    a\\x0ab\\x" DOTS "\n"
             "5678 completed long nam" DOTS "\n"
             "9abc ok        " WIDE "\n",
             "then columns are left out, the highest rank first");
    table_is(20, false, "ID   STATUS\n1234 failed\n5678 completed\n9abc ok\n", "20 columns");
    table_is(10, false, "ID\n1234\n5678\n9abc\n", "10 columns");
    table_is(3, false, "ID\n12" DOTS "\n56" DOTS "\n9a" DOTS "\n", "3 columns");
    table_is(20, true,
             "\033[1mID\033[0m   \033[1mSTATUS\033[0m\n"
             "1234 \033[31mfailed\033[0m\n"
             "5678 \033[32mcompleted\033[0m\n"
             "9abc \033[32mok\033[0m\n",
             "colours take no columns");
}

static void field_is(int width, const char *text, const char *wanted, const char *what)
{
    char *got = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&got, &n);

    mt_table_field(&(struct mt_table_style){out, width, false}, "Error", text);
    fclose(out);
    IS_STR(got, wanted, what);
    free(got);
}

static void test_fields(void)
{
    field_is(80, "one two", "Error       one two\n", "a field");
    field_is(80, NULL, "", "nothing is not shown");
    field_is(80, "", "", "nor is the empty string");
    field_is(80, "a\nb\033", "Error       a\\x0ab\\x1b\n", "control characters are escaped");
    field_is(40, "the words of a message that is too long for it",
             "Error       the words of a message that\n"
             "            is too long for it\n",
             "wrapped between words");
    field_is(20, "one two three four five", "Error\n  one two three four\n  five\n",
             "below its label on a narrow terminal");
    field_is(10, "abcdefghijkl", "Error\n  abcdefgh\n  ijkl\n", "a long word is broken");
    field_is(2, WIDE, "Error\n  " WIDE "\n", "no room at all");
}

int main(void)
{
    test_columns();
    test_cut();
    test_ages();
    test_tables();
    test_fields();
    return tap_done();
}
