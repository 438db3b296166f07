#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# report.t - media-status report: figures that add up, and pages that are whole and harmless.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 empty.mp4
cd "$T" || exit 1

run media-status report
no_database 'without a database there is nothing to report'

# --- figures
nasty='<script>alert("1")</script>&amp;.mp4'
cp clip.mp4 nasty.mp4
run media-ingest clip.mp4
id=$(json .asset.id)
media-ingest clip.mp4 >/dev/null 2>&1
media-ingest empty.mp4 >/dev/null 2>&1
media-thumbs --count 3 "$id" >/dev/null 2>&1
media-analyze -t loudness,scenes,silence "$id" >/dev/null 2>&1
sql "INSERT INTO users (id, name) VALUES ('11110000-0000-4000-8000-000000000001', '=cmd|<b>')"
sql "UPDATE processing_jobs SET submitted_by = '11110000-0000-4000-8000-000000000001' WHERE job_type = 'ingest'"
add_job() { # ID TYPE STATUS CREATED SECONDS
    local error=NULL
    [ "$3" != dead ] || error="'{\"code\":\"no_space\",\"message\":\"x\",\"retryable\":true}'"
    sql "INSERT INTO processing_jobs (id, media_asset_id, job_type, status, created_at, started_at,
         completed_at, error) VALUES ('$1', '$id', '$2', '$3', '$4T23:59:50.000Z',
         '$4T23:59:50.000Z', strftime('%Y-%m-%dT%H:%M:%fZ', '$4T23:59:50.000Z', '+$5 seconds'),
         $error)"
}
for n in $(seq 1 100); do
    echo "$n"
done | while read -r n; do
    add_job "$(printf 'aaaa0000-0000-4000-8000-%012d' "$n")" transcode completed 2026-01-31 "$n"
done
add_job bbbb0000-0000-4000-8000-000000000001 transcode dead 2026-02-01 1
before=$(database_sum)
run media-status report
exits 0 'report'
valid report 'as the schema says'
json_is .jobs.total "$(sql 'SELECT count(*) FROM processing_jobs')" 'all jobs'
json_true '(.jobs.by_status | add) == .jobs.total' 'the statuses add up'
json_true '([.jobs.by_type[] | add] | add) == .jobs.total' 'the types add up'
json_true '([.jobs.by_day[] | del(.day) | add] | add) == .jobs.total' 'the days add up'
json_true '([.users[].jobs] | add) == .jobs.total' 'the users add up'
json_is '[.jobs.by_day[].day] == ([.jobs.by_day[].day] | sort)' true 'days in order'
json_is '[.failures[] | "\(.code) \(.jobs)"] | sort | join(",")' 'empty_file 1,no_space 1' 'causes'
json_is '.duplicates | "\(.files) \(.saved_bytes)"' "1 $(stat -c %s clip.mp4)" 'duplicates'
json_is .media.in.bytes "$(stat -c %s clip.mp4)" 'bytes in'
json_is .media.out.bytes "$(sql 'SELECT sum(file_size) FROM media_variants')" 'bytes out'
json_is .storage.by_class.STANDARD.objects 1 'storage by class'
json_true '.stages.transcode.took_s | .p50 >= 49.5 and .p50 <= 50.5 and .p90 >= 89.2 and .p90 <= 90.8
    and .p99 >= 98.2 and .p99 <= 99.8 and .max == 100' 'percentiles, also over midnight and a month'
json_true '.stages.transcode | .busy_s == 5050 and .media_s_per_s > 0' 'how fast'
run media-status report --since 2026-01-31 --until 2026-01-31
json_is .jobs.total 100 'a day is a whole day'
json_is .media.in.assets 0 'and assets are counted by their own day'
json_true '.stages.transcode.media_s > 0' 'though jobs know how long they are'
run media-status report --since 2026-02-01T00:00:00Z --until 2026-02-02T00:00:00+00:00
json_is .jobs.total 1 'times, and offsets'
run media-status report --since 1999-01-01 --until 1999-01-02
exits 0 'a period in which nothing was done'
valid report 'is a report too'
for bad in yesterday 2026-13-01 2026-02-30 '' 2026-1-1; do
    run media-status report --since "$bad"
    exits 2 "--since '$bad'"
    stderr_like 'hint: a date is' 'says what a date is'
done
run media-status report --since 2026-02-02 --until 2026-02-01
exits 2 'a period that ends before it begins'
run media-status report --csv --html -
exits 2 'two forms'
run media-status report "$id" "$id"
exits 2 'two assets'
run media-status report "$id" --since 2026-01-01
exits 2 'a period of one asset'
run media-status report 12345678-1234-4123-8123-123456789abc
exits 4 'an asset that there is not'
run media-status report 12345678-1234-4123-8123-123456789abc --html -
exits 4 'nor a page about it'
is "$(cat "$out")" '' 'and nothing is printed for one'

# --- CSV
run media-status report --csv
exits 0 'CSV'
ok 'which readers understand' python3 -c '
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8"), strict=True))
assert rows[0] == ["section", "name", "measure", "value"], rows[0]
assert all(len(r) == 4 for r in rows)
assert not [c for r in rows for c in r if c[:1] in "=+@" and c], "a formula"
assert ["failures", "no_space", "jobs", "1"] in rows
assert ["users", "11110000-0000-4000-8000-000000000001", "name", "\x27=cmd|<b>"] in rows' "$out"
run media-status report "$id" --csv
ok 'of an asset' grep -q '^"scenes","1","start",' "$out"

# --- one asset
sql "UPDATE media_assets SET original_filename = '$nasty' WHERE id = '$id'"
run media-status report "${id:0:8}"
exits 0 'one asset'
valid report 'one asset: as the schema says'
json_is '.not_recorded | join(" ")' 'score' 'what is not recorded is not invented'
json_true '.curves.loudness | .step_s == 0.1 and (.values | length) > 5 and (.values | length) <= 600' \
    'loudness over time, as it was measured'
json_true '[.lanes[] | select(.lane == "scenes").spans[]] | length >= 1' 'scenes'
json_is '[.lanes[] | select(.lane == "thumbnails").spans[]] | length' 3 'a thumbnail in two formats is one moment'
sql "UPDATE content_analysis SET results = json_set(results, '\$.over_time',
     json('{\"step_s\":0.1,\"lufs\":[-20.5,null,-18,-70,-19]}')) WHERE analysis_type = 'loudness'"
run media-status report "$id"
json_is '.curves.loudness.values | length' 5 'a curve that is recorded'
sql "INSERT INTO media_variants (id, media_asset_id, variant_type, format, quality, s3_bucket, s3_key, file_size,
         processing_status, score) VALUES ('cccc0000-0000-4000-8000-000000000001', '$id', 'high_res',
         'mp4', '720p', 'local', '$id/720p-00000000.mp4', 1000, 'completed',
         '{\"metric\":\"ssim\",\"value\":0.9731,\"worst\":[{\"time_s\":1.25,\"value\":0.8642},{\"time_s\":0,\"value\":0.9}]}');
     UPDATE media_assets SET metadata = json_set(metadata, '\$.bit_rate_over_time',
         json('{\"step_s\":0.5,\"bps\":[1000000,250000,500000,2000000]}'), '\$.damage', json('{\"state\":\"degraded\",
             \"issues\":[{\"kind\":\"gap\",\"stream\":0,\"detail\":\"lost\",\"start_s\":0.5,\"end_s\":0.75}]}')) WHERE id = '$id'"
run media-status report "$id"
valid report 'with everything: as the schema says'
jq -c .document "$out" >document.json
document 'its document too' document.json
is "$(jq -r '.stages.transcode | "\(.status) \(.error.code)"' document.json)" 'failed no_space' 'a dead job failed'
json_is '.curves.bit_rate | "\(.step_s) \(.values | map(tostring) | join(","))"' \
    '0.5 1000000,250000,500000,2000000' 'the bit rate over time'
json_is '.not_recorded | join(" ")' '' 'and nothing is missing'
json_is '[.lanes[] | select(.lane == "worst").spans[] | "\(.start) \(.label)"] | join(",")' \
    '0 720p: 0.9,1.25 720p: 0.8642' 'the worst frames are on the time axis, in its order'
json_is '[.lanes[] | select(.lane == "damage").spans[] | "\(.start) \(.end)"] | join(",")' '0.5 0.75' 'and so is damage'
sql "UPDATE processing_jobs SET error = NULL WHERE status = 'dead'"
run media-status asset "$id"
document 'a job that died without a word'
json_is .stages.transcode.error.message 'it failed without saying why' 'is a failure too'
sql "UPDATE processing_jobs SET error = '{\"code\":\"no_space\",\"message\":\"x\",\"retryable\":true}' WHERE status = 'dead'"
sql "UPDATE content_analysis SET results = json_set(results, '\$.over_time.lufs[1]', 'x')
     WHERE analysis_type = 'loudness'"
run media-status report "$id"
json_is .curves.loudness null 'a curve that is none'
sql "UPDATE content_analysis SET results = json_set(results, '\$.over_time.lufs[1]', null)
     WHERE analysis_type = 'loudness'"
before=$(database_sum)

# --- pages
cat >page.py <<'P'
import html.parser, re, sys

VOID = {"meta", "img", "br"}
text = open(sys.argv[1], encoding="utf-8").read()
lang = sys.argv[2]

class Page(html.parser.HTMLParser):
    stack, pictures, words, attrs = [], 0, [], {}
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag not in ("script", "link", "iframe", "object", "base", "form", "b1"), tag
        assert not [a for a in attrs if a.startswith("on")], attrs
        for a in ("src", "href", "xlink:href"):
            assert a not in attrs or attrs[a].startswith("data:image/"), attrs
        self.pictures += tag == "img"
        if tag == "html":
            self.attrs = attrs
        if tag not in VOID:
            self.stack.append(tag)
    def handle_startendtag(self, tag, attrs):
        pass
    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, (tag, self.stack)
    def handle_data(self, data):
        if "style" not in self.stack:
            self.words.append(data)

page = Page()
page.feed(text)
page.close()
assert not page.stack, page.stack
assert len(text.encode()) < 2000000
assert page.attrs == {"lang": lang, "dir": "rtl" if lang == "ar" else "ltr"}, page.attrs
assert not re.search(r"https?:|url\(|@import|nan|inf\b", re.sub(r"base64,[^\"]*", "", text)), "network"
assert "prefers-color-scheme:dark" in text and "@media print" in text
said = " ".join(page.words)
for word in sys.argv[3:]:
    assert word in said, word
print(page.pictures)
P
for lang in en ar; do
    run media-status report --html all.html --lang $lang
    exits 0 "a page in $lang"
    json_is '.page' all.html 'says where it is'
    json_is '.file_size' "$(stat -c %s all.html)" 'and how large'
    run python3 page.py all.html $lang no_space '=cmd|<b>' 100
    exits 0 "$lang: it is whole, harmless and says the figures"
    run media-status report "$id" --html - --lang $lang
    exits 0 "the page of an asset in $lang"
    cp "$out" one.html
    run python3 page.py one.html $lang "$nasty" -18 LUFS 'ssim 0.9731' '0.8642' 'Mbit/s' '0.50 s, gap'
    exits 0 "$lang: it is whole and harmless, whatever the name"
    is "$(cat "$out")" 3 "$lang: with its pictures"
done
like "$(cat all.html)" 'المهام' 'Arabic words'
is "$(database_sum)" "$before" 'no report changes the database'
run media-status report --html all.html --since 1999-01-01 --until 1999-01-02
exits 0 'a page about nothing'
run python3 page.py all.html en 'Nothing failed.' 'Nothing was done in this period.'
exits 0 'says so'
run media-status report --html "$T/no/where.html"
isnt "$status" 0 'where no page can be written'
run sh -c 'exec media-status report --html - >/dev/full'
exits 1 'a page into a full disk'
mv "$store" "$store.gone"
run media-status report "$id" --html one.html
exits 0 'a page without a store'
run python3 page.py one.html en 'The store cannot be read'
exits 0 'says so'
mv "$store.gone" "$store"
for f in "$store/$id"/thumbs/*; do head -c 950000 /dev/urandom >"$f"; done
run media-status report "$id" --html one.html
run python3 page.py one.html en 'Some pictures are left out'
exits 0 'pictures that are too large are left out'

# Every word of the page has its Arabic.
sed -n 's/^    {"\(.*\)", *"\(.*\)"},$/\1/p; s/^    {"\(.*\)",$/\1/p' \
    "$MT_TOP/lib/status/report_words.c" >known
cat "$MT_TOP"/lib/status/report_p*.c | tr '\n' ' ' | sed 's/" *"//g' |
    grep -oE '(mt_page_(word|open|note|figure)|put_key|open_svg)\([^()"]*"[^"]+"' |
    sed 's/.*("[^"]*"\|[^"]*"//; s/"$//' | sort -u | while read -r word; do
    grep -qxF "$word" known || case $word in good | bad | mid) ;; *) echo "$word" ;; esac
    echo "$word" >>words
done >unknown
between "$(wc -l <words)" 40 200 'words of the page are found'
is "$(cat unknown)" '' 'every word of the page is translated'

# --- many jobs: a row must cost so little that a million of them take less than 3 s
n=${MT_REPORT_JOBS:-20000}
sql "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $n)
    INSERT INTO processing_jobs (id, media_asset_id, job_type, status, created_at, started_at,
        completed_at, output_results)
    SELECT printf('%08x-0000-4000-9000-%012x', i, i), '$id',
        CASE i % 3 WHEN 0 THEN 'ingest' WHEN 1 THEN 'transcode' ELSE 'thumbnail' END, 'completed',
        strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + i * 30, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + i * 30, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + i * 30 + i % 500, 'unixepoch'),
        '{\"status\":\"completed\"}' FROM c"
run media-status report
json_true ".jobs.total > $n" "$n jobs"
run bash -c 'TIMEFORMAT="%U"; time media-status report >/dev/null'
if nm -D "$bin/media-status" | grep -q __asan_init; then
    skip 'the sanitizers take the time'
else
    between "$(tail -n 1 "$err")" 0 "$(awk "BEGIN { print 0.15 + $n * 3e-6 }")" 'in their time'
fi
done_testing
