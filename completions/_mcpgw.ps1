
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'mcpgw' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'mcpgw'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'mcpgw' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Make a small working configuration, ready for git')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Check the files: all findings at once, without network, secrets or servers')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run the tests of the files: who may call what, and what is redacted')
            [CompletionResult]::new('plan', 'plan', [CompletionResultType]::ParameterValue, 'Preview what would change: who gains or loses access, what is exposed, what live traffic notices')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Make a configuration or a saved plan live, as a whole or not at all')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show the generations that the gateway has served, or the files of one')
            [CompletionResult]::new('rollback', 'rollback', [CompletionResultType]::ParameterValue, 'Go back to an earlier generation')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the gateway')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what the running gateway serves, and how its servers are')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say whether somebody may call a tool, and which line of the files decides')
            [CompletionResult]::new('who', 'who', [CompletionResultType]::ParameterValue, 'Say who reaches a tool')
            [CompletionResult]::new('lock', 'lock', [CompletionResultType]::ParameterValue, 'Show how the servers'' tools differ from what was reviewed, and record them')
            [CompletionResult]::new('redact', 'redact', [CompletionResultType]::ParameterValue, 'Redact stdin as a filter of the files would: byte for byte but for what is personal data')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Show what was asked of the gateway and how it ended, from its audit log')
            [CompletionResult]::new('grants', 'grants', [CompletionResultType]::ParameterValue, 'Show who let which client in, and end it')
            [CompletionResult]::new('hold', 'hold', [CompletionResultType]::ParameterValue, 'Take a person, group, service, tool, server or endpoint away at once, until it is released')
            [CompletionResult]::new('release', 'release', [CompletionResultType]::ParameterValue, 'End a hold')
            [CompletionResult]::new('credentials', 'credentials', [CompletionResultType]::ParameterValue, 'Show and forget accounts at servers, and authorize one for everybody')
            [CompletionResult]::new('tools', 'tools', [CompletionResultType]::ParameterValue, 'List the tools of an endpoint')
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Call a tool of an endpoint')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Make a token for a service, and what to paste into the files')
            [CompletionResult]::new('hash-password', 'hash-password', [CompletionResultType]::ParameterValue, 'Hash a password for `[user.NAME]`')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the files, for editors')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page')
            [CompletionResult]::new('demo-server', 'demo-server', [CompletionResultType]::ParameterValue, 'Run a small MCP server on stdio, with made-up personal data to try things on')
            break
        }
        'mcpgw;init' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;validate' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the findings')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--locked', '--locked', [CompletionResultType]::ParameterName, 'Every server must be in the lock')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;test' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the outcome')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpgw;plan' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--against', '--against', [CompletionResultType]::ParameterName, 'What to compare with: `live`, `applied`, `git:REV`, `empty`, or another PATH [default: `live` where a gateway answers, else `empty`]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Save the plan, for `mcpgw apply FILE`')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End with 3 where access or exposure widens, or some access is unknown')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the plan')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--exit-code', '--exit-code', [CompletionResultType]::ParameterName, 'End with 2 where something changes')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Show what does not change, too')
            [CompletionResult]::new('--locked', '--locked', [CompletionResultType]::ParameterName, 'Every server must be in the lock')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpgw;apply' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Change nothing and end with 3 where access or exposure widens, or some access is unknown')
            [CompletionResult]::new('--unreachable-ok', '--unreachable-ok', [CompletionResultType]::ParameterName, 'Go on though this server does not answer; may be given several times')
            [CompletionResult]::new('--reviewed', '--reviewed', [CompletionResultType]::ParameterName, 'Do not ask if access and exposure change exactly as in this saved plan, even where the gateway has moved on')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for the outcome')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the plan and the outcome')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--locked', '--locked', [CompletionResultType]::ParameterName, 'Every server must be in the lock')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpgw;history' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the files of a generation')
            break
        }
        'mcpgw;history;show' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write the files into this directory instead; nothing that is there is written over')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;rollback' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for the outcome')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask, even where it widens access or exposure')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;serve' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--redis-env', '--redis-env', [CompletionResultType]::ParameterName, 'The environment variable that holds the store''s Redis URL')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'The file that holds the store''s key')
            [CompletionResult]::new('--control', '--control', [CompletionResultType]::ParameterName, 'Where the control API listens besides its socket')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the control API''s token, which may do everything')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--no-watch', '--no-watch', [CompletionResultType]::ParameterName, 'Start from the files, and then change only by `mcpgw apply`; without PATH, `--state DIR` alone does so too')
            [CompletionResult]::new('--locked', '--locked', [CompletionResultType]::ParameterName, 'Every server must be in the lock')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;status' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the status')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;explain' {
            [CompletionResult]::new('--arguments', '--arguments', [CompletionResultType]::ParameterName, 'The call''s arguments, where rules look at them')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Groups that the identity provider or the token gives')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the answer')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'Ask the running gateway, with its holds, instead of the files')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;who' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the answer')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;lock' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The same, as an option')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--update', '--update', [CompletionResultType]::ParameterName, 'Accept what is listed now: of all servers, of one, or one tool of it; may be given several times')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Take the definitions from the running gateway instead of the servers')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write what differs')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Write nothing; exit 3 where something differs, or with `--update` would be written')
            [CompletionResult]::new('--run-commands', '--run-commands', [CompletionResultType]::ParameterName, 'Start the programs of servers with a `command`, and those that print secrets, without asking')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpgw;redact' {
            [CompletionResult]::new('--pii', '--pii', [CompletionResultType]::ParameterName, 'The filter: a `[pii.NAME]` table')
            [CompletionResult]::new('--direction', '--direction', [CompletionResultType]::ParameterName, 'Whose types: those of requests to servers, or of responses to clients')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Stdin is one message body in JSON: keys, numbers and escapes are understood')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;logs' {
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Only of this endpoint')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Only of this server')
            [CompletionResult]::new('--tool', '--tool', [CompletionResultType]::ParameterName, 'Only of this tool, prompt or resource, by its own name or as SERVER/NAME')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Only of `user:NAME`, `service:NAME`, `anonymous`, or whoever has this name')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'From then on: `2026-11-25T10:00:00Z`, `2026-11-25`, or `2h` for two hours ago')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Before then')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Only calls that ended so')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the entries')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on with what comes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that every record is there, in its place, as it was written')
            break
        }
        'mcpgw;logs;verify' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the outcome')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;grants' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show who let which client in, and until when')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End grants: their clients'' calls and streams end at once')
            break
        }
        'mcpgw;grants;list' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;grants;revoke' {
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Those of this person')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Those for this endpoint')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The one of this id')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every grant that there is')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;hold' {
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why: shown by `status`, `plan` and `explain --live`, and recorded')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;release' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;credentials' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('authorize', 'authorize', [CompletionResultType]::ParameterValue, 'Authorize a server that everybody reaches with one account: in a browser, with the account that is meant')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show whose credentials for servers are kept, and how they stand')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Forget a server''s credentials: what was opened with them ends at once')
            break
        }
        'mcpgw;credentials;authorize' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Print the address and end, without waiting for what comes of it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;credentials;list' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;credentials;forget' {
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'That of this person alone')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'The state directory, which holds the control socket [default: `$STATE_DIRECTORY`, else `.mcpgw` in PATH]')
            [CompletionResult]::new('--gateway', '--gateway', [CompletionResultType]::ParameterName, 'The gateway''s control socket, or the URL of its control API')
            [CompletionResult]::new('--control-token-file', '--control-token-file', [CompletionResultType]::ParameterName, 'The file that holds the token for a control API''s URL [env: `MCPGW_CONTROL_TOKEN` holds the token itself]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;tools' {
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'The token to send; on a shared machine prefer the environment variable')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for the whole answer')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the list')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;call' {
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'The token to send; on a shared machine prefer the environment variable')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for the whole answer')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A configuration directory or file; several are read as one [default: .]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write the result')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;token' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;hash-password' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;schema' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpgw;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;man' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write one file per page into this directory instead')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpgw;demo-server' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to color; `auto` is on a terminal, unless `NO_COLOR` is set')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
