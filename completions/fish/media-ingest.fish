# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-ingest; made by scripts/make-completions, not by hand.

function __media_ids
    set -l words (commandline -opc)
    set -l where
    for i in (seq (count $words))
        switch $words[$i]
            case "--db=*" "--config=*"
                set -a where $words[$i]
            case --db --config
                set -a where $words[$i] $words[(math $i + 1)]
        end
    end
    timeout -k 0.1 2 media-status $argv[1] --limit 50 $where 2>/dev/null |
        sed -n 's/^{"schema":1,"\\(job_id\\|asset":{"id\\)":"\\([0-9a-f-]*\\)","[a-z_]*":"\\([^"\\\\]*\\).*/\\2\t\\3/p'
end
complete -c media-ingest -f
complete -c media-ingest -F
complete -c media-ingest -k -a '(__media_ids assets)'
complete -c media-ingest -l max-size -x -d 'refuse larger files'
complete -c media-ingest -l video-formats -x -d 'video formats to accept; default: all known'
complete -c media-ingest -l audio-formats -x -d 'audio formats to accept'
complete -c media-ingest -l image-formats -x -d 'image formats to accept'
complete -c media-ingest -l scanner -x -d 'virus scanner: clamd:/path/to/socket, clamav: or none:'
complete -c media-ingest -l on-incomplete -x -a 'publish hold reject' -d 'after an incomplete scan: publish, hold or reject'
complete -c media-ingest -l on-skipped -x -a 'publish hold reject' -d 'without a scanner: publish, hold or reject'
complete -c media-ingest -l on-unreachable -x -a 'publish hold reject retry' -d 'while clamd is away: publish, hold, reject or retry'
complete -c media-ingest -l scan-max-age -x -d 'a clean scan by older signatures is incomplete'
complete -c media-ingest -l scan-timeout -x -d 'longest scan of one file; default: by its size'
complete -c media-ingest -l recursive -s r -d 'take in the files below directories'
complete -c media-ingest -l jobs -s j -x -d 'files at once; default: one for each processor'
complete -c media-ingest -l watch -x -a '(__fish_complete_directories)' -d 'take files from DIR as they come, until stopped'
complete -c media-ingest -l settle -x -d 'how long a watched file must be quiet; default 2'
complete -c media-ingest -l after -x -d 'what becomes of a watched file that is an asset'
complete -c media-ingest -l policy -r -F -d 'rules: what to publish, hold or reject'
complete -c media-ingest -l quarantine -x -a '(__fish_complete_directories)' -d 'keep copies of refused files in DIR'
complete -c media-ingest -l allow-url -d 'fetch operands that are https URLs'
complete -c media-ingest -l allow-private -d 'fetch from addresses of private networks too'
complete -c media-ingest -l allow-http -d 'fetch without TLS too'
complete -c media-ingest -l url-timeout -x -d 'longest time for one URL; default 1 hour'
complete -c media-ingest -l force -s f -d 'read files again that were taken in before'
complete -c media-ingest -l rescan -d 'scan assets again, even clean ones'
complete -c media-ingest -l release -d 'publish the held assets named by their ids'
complete -c media-ingest -l reject -d 'withdraw the assets named by their ids'
complete -c media-ingest -l reason -x -d 'why they are released or rejected, to be kept'
complete -c media-ingest -l uploaded-by -x -d 'the user these files belong to'
complete -c media-ingest -l name -x -d 'file name for the bytes on standard input'
complete -c media-ingest -l metadata -x -d 'an object to keep in metadata.user'
complete -c media-ingest -l processing-options -x -d 'an object to keep for later stages'
complete -c media-ingest -l max-pixels -x -d 'largest picture, width times height'
complete -c media-ingest -l max-side -x -d 'longest side of a picture'
complete -c media-ingest -l max-streams -x -d 'streams in one file'
complete -c media-ingest -l max-duration -x -d 'longest film'
complete -c media-ingest -l max-frames -x -d 'pictures in one stream'
complete -c media-ingest -l memory -x -d 'memory of one jailed process'
complete -c media-ingest -l thorough -d 'decode all of each file, not only its beginning and end'
complete -c media-ingest -l timeout -x -d 'longest look at one file, or without a step in a thorough look'
complete -c media-ingest -l dry-run -s n -d 'change nothing, say what would be done'
complete -c media-ingest -l help -s h -d 'show this help and exit'
complete -c media-ingest -l version -s V -d 'show versions and exit'
complete -c media-ingest -l quiet -d 'only errors on standard error'
complete -c media-ingest -l verbose -s v -d 'say more; twice: everything'
complete -c media-ingest -l config -r -F -d 'read this configuration only'
complete -c media-ingest -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-ingest -l store -x -d 'object store: file:///path'
complete -c media-ingest -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-ingest -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-ingest -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-ingest -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-ingest -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-ingest -l fail-fast -d 'stop at the first failure'
complete -c media-ingest -l print-config -d 'show each setting, its value and origin'
