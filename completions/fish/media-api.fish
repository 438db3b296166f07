# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-api; made by scripts/make-completions, not by hand.

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
complete -c media-api -f
complete -c media-api -n 'not __fish_seen_subcommand_from serve sweep key token sign-url openapi' -a serve -d 'answer requests: CGI, a socket on fd 0, or --listen'
complete -c media-api -n 'not __fish_seen_subcommand_from serve sweep key token sign-url openapi' -a sweep -d 'forget old answers and uploads, where nothing serves'
complete -c media-api -n 'not __fish_seen_subcommand_from serve sweep key token sign-url openapi' -a key -d 'make a key for tokens or URLs'
complete -c media-api -n 'not __fish_seen_subcommand_from serve sweep key token sign-url openapi' -a token -d 'make a bearer token'
complete -c media-api -n 'not __fish_seen_subcommand_from serve sweep key token sign-url openapi' -a sign-url -d 'make a URL of media that holds for a while'
complete -c media-api -n 'not __fish_seen_subcommand_from serve sweep key token sign-url openapi' -a openapi -d 'print the OpenAPI document'
complete -c media-api -n '__fish_seen_subcommand_from serve' -l listen -x -d 'unix:/path, or host:port'
complete -c media-api -n '__fish_seen_subcommand_from serve' -l threads -x -d 'requests at once in a process; 128'
complete -c media-api -n '__fish_seen_subcommand_from serve' -l processes -x -d 'how many; 1'
complete -c media-api -n '__fish_seen_subcommand_from serve' -l streams -x -d 'event streams at once in a process; 48'
complete -c media-api -n '__fish_seen_subcommand_from serve' -l idle -x -d 'a silent client is given up; 60 seconds'
complete -c media-api -n '__fish_seen_subcommand_from serve' -l grace -x -d 'from SIGTERM to the end; 10 seconds'
complete -c media-api -n '__fish_seen_subcommand_from key' -l alg -x -a 'ES256 RS256 HS256' -d 'ES256, RS256 or HS256'
complete -c media-api -n '__fish_seen_subcommand_from key' -l kid -x -d 'what the key is called; some digits unless given'
complete -c media-api -n '__fish_seen_subcommand_from key' -l public -r -F -d 'no new key: what of FILE may be shown'
complete -c media-api -n '__fish_seen_subcommand_from token' -l signing-keys -r -F -d 'JWKS with a private key; else that of --jwks-file'
complete -c media-api -n '__fish_seen_subcommand_from token' -l roles -x -a '(__fish_append , viewer uploader operator moderator admin)' -d 'viewer, uploader, operator, moderator, admin'
complete -c media-api -n '__fish_seen_subcommand_from token' -l ttl -x -d 'how long it holds; an hour unless given'
complete -c media-api -n '__fish_seen_subcommand_from token' -l kid -x -d 'the key to sign with'
complete -c media-api -n '__fish_seen_subcommand_from sign-url' -l ttl -x -d 'how long it holds; an hour unless given'
complete -c media-api -n '__fish_seen_subcommand_from sign-url' -l depth -x -d 'all below the first N parts of the key'
complete -c media-api -n '__fish_seen_subcommand_from sign-url' -l address -x -d 'for this address only'
complete -c media-api -l access -x -a 'token open' -d 'token (the default), or open to everybody'
complete -c media-api -l jwks-file -r -F -d 'keys that tokens are verified with, as JWKS'
complete -c media-api -l issuer -x -d 'who tokens have to be from'
complete -c media-api -l audience -x -d 'whom tokens have to be for'
complete -c media-api -l token-types -x -d 'types of tokens that are taken; at+jwt,JWT'
complete -c media-api -l clock-skew -x -d 'how far clocks may differ; 30 seconds, at most 60'
complete -c media-api -l url-keys -r -F -d 'one or two keys that media URLs are signed with'
complete -c media-api -l media-url -x -d 'where clients find media; /media/'
complete -c media-api -l url-ttl -x -d 'how long signed URLs hold; an hour'
complete -c media-api -l allow -x -d 'networks that may ask; all'
complete -c media-api -l deny -x -d 'networks that may not'
complete -c media-api -l origins -x -d 'other origins whose pages may ask, or *'
complete -c media-api -l rate -x -d 'requests a second of one user; 100, 0: no limit'
complete -c media-api -l burst -x -d 'requests of one user at once; 200'
complete -c media-api -l rate-file -r -F -d 'where processes keep that account together'
complete -c media-api -l idempotency -x -d 'how long answers are kept for repeats; a day'
complete -c media-api -l audit-reads -x -a 'yes no' -d 'reads in the audit log too; no'
complete -c media-api -l fetch -x -a 'yes no' -d 'sources may be https URLs; yes'
complete -c media-api -l access-log -r -F -d 'a line of JSON for each request; - is stderr'
complete -c media-api -l connections -x -d 'to the database at most; 8'
complete -c media-api -l uploads -x -a '(__fish_complete_directories)' -d 'where uploads are collected'
complete -c media-api -l upload-max-age -x -d 'unfinished uploads go after so long; a day'
complete -c media-api -l upload-user-bytes -x -d 'of one user\'s uploads at once; 0: no limit'
complete -c media-api -l upload-user-files -x -d 'of one user\'s uploads at once; 1000'
complete -c media-api -l max-size -x -d 'largest upload; 5 GiB'
complete -c media-api -l help -s h -d 'show this help and exit'
complete -c media-api -l version -s V -d 'show versions and exit'
complete -c media-api -l quiet -d 'only errors on standard error'
complete -c media-api -l verbose -s v -d 'say more; twice: everything'
complete -c media-api -l config -r -F -d 'read this configuration only'
complete -c media-api -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-api -l store -x -d 'object store: file:///path'
complete -c media-api -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-api -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-api -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-api -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-api -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-api -l fail-fast -d 'stop at the first failure'
complete -c media-api -l print-config -d 'show each setting, its value and origin'
