# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-orchestrate; made by scripts/make-completions, not by hand.

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
complete -c media-orchestrate -f
complete -c media-orchestrate -a '(__fish_complete_directories)'
complete -c media-orchestrate -l once -d 'one round, then end'
complete -c media-orchestrate -l interval -x -d 'between looks at the folders: 60s'
complete -c media-orchestrate -l settle -x -d 'a file that has not changed for so long is whole: 2s'
complete -c media-orchestrate -l recursive -s r -d 'subdirectories too'
complete -c media-orchestrate -l after -x -d 'with files that are assets now: keep or move:DIR'
complete -c media-orchestrate -l refused -x -d 'with files that were refused: keep or move:DIR'
complete -c media-orchestrate -l all-assets -d 'queue what is missing for assets that came in otherwise, or were released'
complete -c media-orchestrate -l jobs -s j -x -d 'run a supervisor here that does N jobs at once; 0: none'
complete -c media-orchestrate -l options -x -d 'processing_options: {"qualities": ["720p"]}'
complete -c media-orchestrate -l metadata -x -d 'kept with each asset'
complete -c media-orchestrate -l uploaded-by -x -d 'whose the files are'
complete -c media-orchestrate -l no-workflow -d 'take them in, and no more'
complete -c media-orchestrate -l priority -x -d 'of the jobs: -100 to 100'
complete -c media-orchestrate -l class -x -d 'of the workers that take them in: io'
complete -c media-orchestrate -l timeout -x -d 'the longest that one attempt of any of its jobs may take: no limit'
complete -c media-orchestrate -l needs -x -d 'what such a worker must have (--has), as a name of this machine'
complete -c media-orchestrate -l scaler -x -d 'is given the depth of the queue after each round'
complete -c media-orchestrate -l state -x -a '(__fish_complete_directories)' -d 'for what it remembers'
complete -c media-orchestrate -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-orchestrate -l store -x -d 'object store: file:///path'
complete -c media-orchestrate -l config -r -F -d 'read this configuration only'
complete -c media-orchestrate -l dry-run -s n -d 'print the jobs instead of submitting them'
complete -c media-orchestrate -l verbose -s v -d 'print each round, also one without news'
complete -c media-orchestrate -l quiet -d 'only errors on standard error'
complete -c media-orchestrate -l help -s h -d 'show this help and exit'
complete -c media-orchestrate -l version -s V -d 'show versions and exit'
