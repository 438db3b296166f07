# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-picture; made by scripts/make-completions, not by hand.

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
complete -c media-picture -f
complete -c media-picture -l serve -d 'answer media-thumbs on a socket at stdin'
complete -c media-picture -l help -s h -d 'show this help and exit'
complete -c media-picture -l version -s V -d 'show versions and exit'
complete -c media-picture -l quiet -d 'only errors on standard error'
complete -c media-picture -l verbose -s v -d 'say more; twice: everything'
complete -c media-picture -l config -r -F -d 'read this configuration only'
complete -c media-picture -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-picture -l store -x -d 'object store: file:///path'
complete -c media-picture -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-picture -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-picture -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-picture -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-picture -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-picture -l fail-fast -d 'stop at the first failure'
complete -c media-picture -l print-config -d 'show each setting, its value and origin'
