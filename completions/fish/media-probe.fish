# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-probe; made by scripts/make-completions, not by hand.

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
complete -c media-probe -f
complete -c media-probe -F
complete -c media-probe -l max-size -x -d 'refuse larger files'
complete -c media-probe -l max-pixels -x -d 'largest picture, width times height'
complete -c media-probe -l max-side -x -d 'longest side of a picture'
complete -c media-probe -l max-streams -x -d 'streams in one file'
complete -c media-probe -l max-duration -x -d 'longest film'
complete -c media-probe -l max-frames -x -d 'pictures in one stream'
complete -c media-probe -l memory -x -d 'memory of one jailed process'
complete -c media-probe -l timeout -x -d 'longest work on one file, or without a step in a thorough look'
complete -c media-probe -l thorough -d 'decode all of each file, not only its beginning and end'
complete -c media-probe -l public -d 'leave out places, serial numbers, comments and whose it is'
complete -c media-probe -l serve -d 'answer media-ingest on a socket at stdin'
complete -c media-probe -l capabilities -d 'say which codecs and filters are here, and exit'
complete -c media-probe -l help -s h -d 'show this help and exit'
complete -c media-probe -l version -s V -d 'show versions and exit'
complete -c media-probe -l quiet -d 'only errors on standard error'
complete -c media-probe -l verbose -s v -d 'say more; twice: everything'
complete -c media-probe -l config -r -F -d 'read this configuration only'
complete -c media-probe -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-probe -l store -x -d 'object store: file:///path'
complete -c media-probe -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-probe -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-probe -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-probe -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-probe -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-probe -l fail-fast -d 'stop at the first failure'
complete -c media-probe -l print-config -d 'show each setting, its value and origin'
