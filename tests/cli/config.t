#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# config.t - where values come from, and what is wrong with a configuration.
. "$(dirname "$0")/../tap.sh"

# The specification's own file, unchanged but for the back ends it names.
cat >"$T/spec.yaml" <<'Y'
# config/production.yaml
media_processing:
  max_file_size: 5368709120  # 5GB
  supported_formats:
    video: [mp4, avi, mov, mkv, webm]
    audio: [mp3, wav, aac, flac, ogg]
    image: [jpg, jpeg, png, webp, gif]
  
  processing:
    video_qualities: [1080p, 720p, 480p, 360p]
    thumbnail_count: 10
    preview_duration: 30  # seconds
    concurrent_jobs: 50
  
  aws:
    s3_bucket: thmnayah-media-production
    mediaconvert_role: arn:aws:iam::account:role/MediaConvertRole
    transcribe_language_codes: [ar-SA, en-US]
    
  redis:
    host: redis-cluster.production.local
    port: 6379
    db: 0
    
  database:
    host: postgres.production.local
    port: 5432
    name: thmnayah_media
    pool_size: 20
Y
printf 'media_processing:\n  processing:\n    thumbnail_cuont: 4\n' >"$T/typo.yaml"
printf 'media_processing:\n  max_file_size: [\n' >"$T/broken.yaml"
printf 'media_processing:\n  max_file_size: plenty\n' >"$T/type.yaml"

for p in $(programs); do
    run "$p" --print-config
    exits 0 "$p --print-config succeeds"
    json_true 'type == "object"' "$p --print-config: JSON"
    json_is .store.value "$MEDIA_STORE" "$p --print-config: the value"
    like "$(json .store.origin)" 'environment.*MEDIA_STORE' "$p --print-config: and its origin"
    json_is .color.origin default "$p --print-config: a default"
    run "$p" --print-config --log-format json --color never
    json_is '."log-format".value' json "$p: --opt val"
    json_is '."log-format".origin' 'command line' "$p: and that it was given"
    cp "$out" "$T/one"
    run "$p" --print-config --log-format=json --color=never
    ok "$p: --opt=val is the same" cmp -s "$out" "$T/one"

    run "$p" --print-config --config "$T/spec.yaml"
    exits 0 "$p: the specification's configuration loads unchanged"
    json_is .store.value "$MEDIA_STORE" "$p: but a URL in the environment is more specific"
    run env -u MEDIA_STORE -u MEDIA_DB "$p" --print-config --config "$T/spec.yaml"
    json_is .store.value s3://thmnayah-media-production "$p: the bucket chooses S3"
    json_is .db.value postgresql://postgres.production.local:5432/thmnayah_media \
        "$p: the host chooses PostgreSQL"
    like "$(json .db.origin)" 'spec\.yaml:[0-9]+$' "$p: and the line is its origin"
    run "$p" --print-config --config "$T/typo.yaml"
    exits 10 "$p: an unknown key is a configuration error"
    stderr_like "typo\.yaml.*3" "$p: file and line are named"
    stderr_like "thumbnail_cuont" "$p: so is the key"
    run "$p" --print-config --config "$T/broken.yaml"
    exits 10 "$p: broken YAML is a configuration error"
    run "$p" --print-config --config "$T/absent.yaml"
    exits 10 "$p: a configuration that was asked for and is absent is an error"
done

# Flags before the environment before the user's file.
mkdir -p "$XDG_CONFIG_HOME/media-toolkit"
printf 'media_processing:\n  processing:\n    thumbnail_count: 7\n' \
    >"$XDG_CONFIG_HOME/media-toolkit/media.yaml"
run media-thumbs --print-config
exits 0 'the file of the user is read'
json_is .count.value 7 'its value is taken'
like "$(json .count.origin)" 'media-toolkit/media\.yaml:3$' 'and it is named as the origin'
run media-thumbs --print-config --count 3
json_is .count.value 3 'a flag goes before it'
run media-status --print-config --store "file://$T/elsewhere"
json_is .store.value "file://$T/elsewhere" 'a flag goes before the environment'
run media-ingest --print-config --config "$T/spec.yaml"
json_is '."max-size".value' 5368709120 'the size limit of the specification'
run media-ingest --print-config --config "$T/type.yaml"
exits 10 'a word is not a number of bytes'
stderr_like 'type\.yaml.*2' 'file and line of that are named'
run env STATE_DIRECTORY="$T/service" media-status --print-config
json_is .store.origin 'environment MEDIA_STORE' 'also a service obeys the environment'
run env -u MEDIA_STORE -u MEDIA_DB STATE_DIRECTORY="$T/service" media-status --print-config
like "$(json .db.value)" "^sqlite://$T/service/" 'but keeps its database below STATE_DIRECTORY'
like "$(json .store.value)" "^file://$T/service/" 'and its objects'
done_testing
