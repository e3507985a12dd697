
use builtin;
use str;

set edit:completion:arg-completer[mcpgw] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'mcpgw'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'mcpgw'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand init 'Make a small working configuration, ready for git'
            cand validate 'Check the files: all findings at once, without network, secrets or servers'
            cand test 'Run the tests of the files: who may call what, and what is redacted'
            cand plan 'Preview what would change: who gains or loses access, what is exposed, what live traffic notices'
            cand apply 'Make a configuration or a saved plan live, as a whole or not at all'
            cand history 'Show the generations that the gateway has served, or the files of one'
            cand rollback 'Go back to an earlier generation'
            cand serve 'Run the gateway'
            cand status 'Show what the running gateway serves, and how its servers are'
            cand explain 'Say whether somebody may call a tool, and which line of the files decides'
            cand who 'Say who reaches a tool'
            cand lock 'Show how the servers'' tools differ from what was reviewed, and record them'
            cand redact 'Redact stdin as a filter of the files would: byte for byte but for what is personal data'
            cand logs 'Show what was asked of the gateway and how it ended, from its audit log'
            cand grants 'Show who let which client in, and end it'
            cand hold 'Take a person, group, service, tool, server or endpoint away at once, until it is released'
            cand release 'End a hold'
            cand credentials 'Show and forget accounts at servers, and authorize one for everybody'
            cand tools 'List the tools of an endpoint'
            cand call 'Call a tool of an endpoint'
            cand token 'Make a token for a service, and what to paste into the files'
            cand hash-password 'Hash a password for `[user.NAME]`'
            cand schema 'Print the JSON Schema of the files, for editors'
            cand completions 'Print the completions of a shell'
            cand man 'Print a manual page'
            cand demo-server 'Run a small MCP server on stdio, with made-up personal data to try things on'
        }
        &'mcpgw;init'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;validate'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --format 'How to write the findings'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --locked 'Every server must be in the lock'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;test'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --format 'How to write the outcome'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpgw;plan'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --against 'What to compare with: `live`, `applied`, `git:REV`, `empty`, or another PATH [default: `live` where a gateway answers, else `empty`]'
            cand --out 'Save the plan, for `mcpgw apply FILE`'
            cand --fail-on 'End with 3 where access or exposure widens, or some access is unknown'
            cand --format 'How to write the plan'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --exit-code 'End with 2 where something changes'
            cand --all 'Show what does not change, too'
            cand --locked 'Every server must be in the lock'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpgw;apply'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --fail-on 'Change nothing and end with 3 where access or exposure widens, or some access is unknown'
            cand --unreachable-ok 'Go on though this server does not answer; may be given several times'
            cand --reviewed 'Do not ask if access and exposure change exactly as in this saved plan, even where the gateway has moved on'
            cand --timeout 'How long to wait for the outcome'
            cand --format 'How to write the plan and the outcome'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --yes 'Do not ask'
            cand --locked 'Every server must be in the lock'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpgw;history'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
            cand show 'Show the files of a generation'
        }
        &'mcpgw;history;show'= {
            cand --out 'Write the files into this directory instead; nothing that is there is written over'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;rollback'= {
            cand --timeout 'How long to wait for the outcome'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --yes 'Do not ask, even where it widens access or exposure'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;serve'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --state 'The state directory [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --redis-env 'The environment variable that holds the store''s Redis URL'
            cand --key-file 'The file that holds the store''s key'
            cand --control 'Where the control API listens besides its socket'
            cand --control-token-file 'The file that holds the control API''s token, which may do everything'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --no-watch 'Start from the files, and then change only by `mcpgw apply`; without PATH, `--state DIR` alone does so too'
            cand --locked 'Every server must be in the lock'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;status'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write the status'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;explain'= {
            cand --arguments 'The call''s arguments, where rules look at them'
            cand --groups 'Groups that the identity provider or the token gives'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write the answer'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --live 'Ask the running gateway, with its holds, instead of the files'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;who'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --format 'How to write the answer'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;lock'= {
            cand -C 'The same, as an option'
            cand --config 'The same, as an option'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --update 'Accept what is listed now: of all servers, of one, or one tool of it; may be given several times'
            cand --from 'Take the definitions from the running gateway instead of the servers'
            cand --format 'How to write what differs'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --check 'Write nothing; exit 3 where something differs, or with `--update` would be written'
            cand --run-commands 'Start the programs of servers with a `command`, and those that print secrets, without asking'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpgw;redact'= {
            cand --pii 'The filter: a `[pii.NAME]` table'
            cand --direction 'Whose types: those of requests to servers, or of responses to clients'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --json 'Stdin is one message body in JSON: keys, numbers and escapes are understood'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;logs'= {
            cand --endpoint 'Only of this endpoint'
            cand --server 'Only of this server'
            cand --tool 'Only of this tool, prompt or resource, by its own name or as SERVER/NAME'
            cand --user 'Only of `user:NAME`, `service:NAME`, `anonymous`, or whoever has this name'
            cand --since 'From then on: `2026-11-25T10:00:00Z`, `2026-11-25`, or `2h` for two hours ago'
            cand --until 'Before then'
            cand --status 'Only calls that ended so'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write the entries'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --follow 'Go on with what comes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand verify 'Check that every record is there, in its place, as it was written'
        }
        &'mcpgw;logs;verify'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write the outcome'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;grants'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
            cand list 'Show who let which client in, and until when'
            cand revoke 'End grants: their clients'' calls and streams end at once'
        }
        &'mcpgw;grants;list'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;grants;revoke'= {
            cand --user 'Those of this person'
            cand --endpoint 'Those for this endpoint'
            cand --id 'The one of this id'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --all 'Every grant that there is'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;hold'= {
            cand --reason 'Why: shown by `status`, `plan` and `explain --live`, and recorded'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;release'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;credentials'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
            cand authorize 'Authorize a server that everybody reaches with one account: in a browser, with the account that is meant'
            cand list 'Show whose credentials for servers are kept, and how they stand'
            cand forget 'Forget a server''s credentials: what was opened with them ends at once'
        }
        &'mcpgw;credentials;authorize'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand --no-wait 'Print the address and end, without waiting for what comes of it'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;credentials;list'= {
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;credentials;forget'= {
            cand --user 'That of this person alone'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --state 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]'
            cand --gateway 'The gateway''s control socket, or the URL of its control API'
            cand --control-token-file 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]'
            cand --format 'How to write it'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;tools'= {
            cand --token 'The token to send; on a shared machine prefer the environment variable'
            cand --timeout 'How long to wait for the whole answer'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --format 'How to write the list'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;call'= {
            cand --token 'The token to send; on a shared machine prefer the environment variable'
            cand --timeout 'How long to wait for the whole answer'
            cand -C 'A configuration directory or file; several are read as one [default: .]'
            cand --config 'A configuration directory or file; several are read as one [default: .]'
            cand --format 'How to write the result'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;token'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;hash-password'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;schema'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpgw;completions'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;man'= {
            cand --out 'Write one file per page into this directory instead'
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpgw;demo-server'= {
            cand --color 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
