# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mcpgw_global_optspecs
    string join \n color= h/help V/version
end

function __fish_mcpgw_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mcpgw_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mcpgw_using_subcommand
    set -l cmd (__fish_mcpgw_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mcpgw -n "__fish_mcpgw_needs_command" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_needs_command" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -s V -l version -d 'Print version'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "init" -d 'Make a small working configuration, ready for git'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "validate" -d 'Check the files: all findings at once, without network, secrets or servers'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "test" -d 'Run the tests of the files: who may call what, and what is redacted'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "plan" -d 'Preview what would change: who gains or loses access, what is exposed, what live traffic notices'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "apply" -d 'Make a configuration or a saved plan live, as a whole or not at all'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "history" -d 'Show the generations that the gateway has served, or the files of one'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "rollback" -d 'Go back to an earlier generation'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "serve" -d 'Run the gateway'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "status" -d 'Show what the running gateway serves, and how its servers are'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "explain" -d 'Say whether somebody may call a tool, and which line of the files decides'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "who" -d 'Say who reaches a tool'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "lock" -d 'Show how the servers\' tools differ from what was reviewed, and record them'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "redact" -d 'Redact stdin as a filter of the files would: byte for byte but for what is personal data'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "logs" -d 'Show what was asked of the gateway and how it ended, from its audit log'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "grants" -d 'Show who let which client in, and end it'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "hold" -d 'Take a person, group, service, tool, server or endpoint away at once, until it is released'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "release" -d 'End a hold'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "credentials" -d 'Show and forget accounts at servers, and authorize one for everybody'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "tools" -d 'List the tools of an endpoint'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "call" -d 'Call a tool of an endpoint'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "token" -d 'Make a token for a service, and what to paste into the files'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "hash-password" -d 'Hash a password for `[user.NAME]`'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "schema" -d 'Print the JSON Schema of the files, for editors'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "man" -d 'Print a manual page'
complete -c mcpgw -n "__fish_mcpgw_needs_command" -f -a "demo-server" -d 'Run a small MCP server on stdio, with made-up personal data to try things on'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand init" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand init" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand validate" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand validate" -l format -d 'How to write the findings' -r -f -a "human\t''
json\t''
github\t''
sarif\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand validate" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand validate" -l locked -d 'Every server must be in the lock'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand validate" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand test" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand test" -l format -d 'How to write the outcome' -r -f -a "human\t''
json\t''
github\t'Annotations at the lines of a pull request'
junit\t'XML, for what shows test reports'"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand test" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l against -d 'What to compare with: `live`, `applied`, `git:REV`, `empty`, or another PATH [default: `live` where a gateway answers, else `empty`]' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l out -d 'Save the plan, for `mcpgw apply FILE`' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l fail-on -d 'End with 3 where access or exposure widens, or some access is unknown' -r -f -a "widen\t'Somebody may do more than before'
exposure\t'Something is better protected now than it would be'
unknown\t'A pattern is about tools that nobody could list'"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l format -d 'How to write the plan' -r -f -a "human\t''
json\t''
markdown\t''
github\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l exit-code -d 'End with 2 where something changes'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l all -d 'Show what does not change, too'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -l locked -d 'Every server must be in the lock'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l fail-on -d 'Change nothing and end with 3 where access or exposure widens, or some access is unknown' -r -f -a "widen\t'Somebody may do more than before'
exposure\t'Something is better protected now than it would be'
unknown\t'A pattern is about tools that nobody could list'"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l unreachable-ok -d 'Go on though this server does not answer; may be given several times' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l reviewed -d 'Do not ask if access and exposure change exactly as in this saved plan, even where the gateway has moved on' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l timeout -d 'How long to wait for the outcome' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l format -d 'How to write the plan and the outcome' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l yes -d 'Do not ask'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -l locked -d 'Every server must be in the lock'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Show the files of a generation'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -l out -d 'Write the files into this directory instead; nothing that is there is written over' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand history; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l timeout -d 'How long to wait for the outcome' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -l yes -d 'Do not ask, even where it widens access or exposure'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand rollback" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l state -d 'The state directory [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l redis-env -d 'The environment variable that holds the store\'s Redis URL' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l key-file -d 'The file that holds the store\'s key' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l control -d 'Where the control API listens besides its socket' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l control-token-file -d 'The file that holds the control API\'s token, which may do everything' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l no-watch -d 'Start from the files, and then change only by `mcpgw apply`; without PATH, `--state DIR` alone does so too'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -l locked -d 'Every server must be in the lock'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand serve" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -l format -d 'How to write the status' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand status" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l arguments -d 'The call\'s arguments, where rules look at them' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l groups -d 'Groups that the identity provider or the token gives' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l format -d 'How to write the answer' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -l live -d 'Ask the running gateway, with its holds, instead of the files'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand explain" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand who" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand who" -l format -d 'How to write the answer' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand who" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand who" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -s C -l config -d 'The same, as an option' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l update -d 'Accept what is listed now: of all servers, of one, or one tool of it; may be given several times' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l from -d 'Take the definitions from the running gateway instead of the servers' -r -f -a "live\t'The running gateway'"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l format -d 'How to write what differs' -r -f -a "human\t''
json\t''
markdown\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l check -d 'Write nothing; exit 3 where something differs, or with `--update` would be written'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -l run-commands -d 'Start the programs of servers with a `command`, and those that print secrets, without asking'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand redact" -l pii -d 'The filter: a `[pii.NAME]` table' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand redact" -l direction -d 'Whose types: those of requests to servers, or of responses to clients' -r -f -a "request\t''
response\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand redact" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand redact" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand redact" -l json -d 'Stdin is one message body in JSON: keys, numbers and escapes are understood'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand redact" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l endpoint -d 'Only of this endpoint' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l server -d 'Only of this server' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l tool -d 'Only of this tool, prompt or resource, by its own name or as SERVER/NAME' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l user -d 'Only of `user:NAME`, `service:NAME`, `anonymous`, or whoever has this name' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l since -d 'From then on: `2026-11-25T10:00:00Z`, `2026-11-25`, or `2h` for two hours ago' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l until -d 'Before then' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l status -d 'Only calls that ended so' -r -f -a "answered\t'The server gave a result'
cancelled\t'The client took it back, or its connection was lost'
denied\t'By a rule, or there is no such thing for this caller'
error\t'The server answered with an error, or the tool said that it failed'
failed\t'The server did not answer, or not as it must'
held-back\t'By the lock, in the session that was to run it'
open\t'It has not ended yet'
refused\t'By a limit'
unknown\t'The gateway ended before the call did'"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l format -d 'How to write the entries' -r -f -a "human\t''
json\t''
csv\t'For spreadsheets'"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -l follow -d 'Go on with what comes'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and not __fish_seen_subcommand_from verify" -f -a "verify" -d 'Check that every record is there, in its place, as it was written'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -l format -d 'How to write the outcome' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand logs; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and not __fish_seen_subcommand_from list revoke" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and not __fish_seen_subcommand_from list revoke" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and not __fish_seen_subcommand_from list revoke" -f -a "list" -d 'Show who let which client in, and until when'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and not __fish_seen_subcommand_from list revoke" -f -a "revoke" -d 'End grants: their clients\' calls and streams end at once'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l user -d 'Those of this person' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l endpoint -d 'Those for this endpoint' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l id -d 'The one of this id' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -l all -d 'Every grant that there is'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand grants; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -l reason -d 'Why: shown by `status`, `plan` and `explain --live`, and recorded' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hold" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand release" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and not __fish_seen_subcommand_from authorize list forget" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and not __fish_seen_subcommand_from authorize list forget" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and not __fish_seen_subcommand_from authorize list forget" -f -a "authorize" -d 'Authorize a server that everybody reaches with one account: in a browser, with the account that is meant'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and not __fish_seen_subcommand_from authorize list forget" -f -a "list" -d 'Show whose credentials for servers are kept, and how they stand'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and not __fish_seen_subcommand_from authorize list forget" -f -a "forget" -d 'Forget a server\'s credentials: what was opened with them ends at once'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -l no-wait -d 'Print the address and end, without waiting for what comes of it'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from authorize" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -l user -d 'That of this person alone' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -l state -d 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -l gateway -d 'The gateway\'s control socket, or the URL of its control API' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -l control-token-file -d 'The file that holds the token for a control API\'s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -l format -d 'How to write it' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand credentials; and __fish_seen_subcommand_from forget" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand tools" -l token -d 'The token to send; on a shared machine prefer the environment variable' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand tools" -l timeout -d 'How long to wait for the whole answer' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand tools" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand tools" -l format -d 'How to write the list' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand tools" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand tools" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand call" -l token -d 'The token to send; on a shared machine prefer the environment variable' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand call" -l timeout -d 'How long to wait for the whole answer' -r
complete -c mcpgw -n "__fish_mcpgw_using_subcommand call" -s C -l config -d 'A configuration directory or file; several are read as one [default: .]' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand call" -l format -d 'How to write the result' -r -f -a "human\t''
json\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand call" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand call" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand token" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand token" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hash-password" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand hash-password" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand schema" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand completions" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand completions" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand man" -l out -d 'Write one file per page into this directory instead' -r -F
complete -c mcpgw -n "__fish_mcpgw_using_subcommand man" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand man" -s h -l help -d 'Print help'
complete -c mcpgw -n "__fish_mcpgw_using_subcommand demo-server" -l color -d 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpgw -n "__fish_mcpgw_using_subcommand demo-server" -s h -l help -d 'Print help'
