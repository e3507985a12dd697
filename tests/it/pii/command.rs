//! `mcpgw redact`: a filter of the files at work on stdin.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use crate::cli::run::{Ran, command, mcpgw_with};

const FILES: &str = r#"
[pii.strict]
requests  = ["ssn"]
responses = ["all"]
keep      = { email = ["*@example.com"], ip = ["10.0.0.0/8"] }

[pii.strict.custom.employee-id]
pattern = 'EMP-\d{6}'

[pii.tokens]
responses = ["email"]
mode      = "token"
"#;

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mcpgw.toml"), FILES).unwrap();
    directory
}

fn redact(arguments: &[&str], stdin: &str) -> Ran {
    let directory = directory();
    mcpgw_with(&[&["redact"], arguments].concat(), stdin, directory.path())
}

#[test]
fn stdin_comes_out_byte_for_byte_but_for_what_is_redacted() {
    for (arguments, stdin, stdout) in [
        (
            &["--pii", "strict"][..],
            "Jane <jane@corp.com>, not j@example.com;\r\n\t(415) 555-2671 EMP-123456 10.1.2.3 192.168.7.8\u{0}\n",
            "Jane <[REDACTED_EMAIL]>, not j@example.com;\r\n\t[REDACTED_PHONE] [REDACTED_EMPLOYEE_ID] 10.1.2.3 [REDACTED_IP]\u{0}\n",
        ),
        (
            &["--pii", "strict", "--direction", "request"],
            "jane@corp.com 123-45-6789",
            "jane@corp.com [REDACTED_SSN]",
        ),
        (
            &["--pii", "strict", "--json"],
            r#" {"result": {"structuredContent": {"ssn": 123456789, "jane@corp.com": "a\u0040b.io"}}, "id": "c@d.io"}"#,
            r#" {"result": {"structuredContent": {"ssn": "[REDACTED_SSN]", "[REDACTED_EMAIL]": "[REDACTED_EMAIL]"}}, "id": "c@d.io"}"#,
        ),
        (&["--pii", "strict"], "", ""),
        (
            &["--pii", "tokens"],
            "jane@corp.com, joe@corp.com and jane@corp.com",
            "[EMAIL_1], [EMAIL_2] and [EMAIL_1]",
        ),
    ] {
        let ran = redact(arguments, stdin);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, stdout, ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_filter_that_is_not_there_is_named() {
    let ran = redact(&["--pii", "strikt"], "jane@corp.com");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert_eq!(
        ran.stderr,
        "error: the files have no PII filter `strikt`\n\nhint: did you mean `strict`?\n"
    );
    let ran = redact(&["--pii", "strict", "--direction", "up"], "");
    assert_eq!(ran.code, 64, "{}", ran.all());
}

/// What is read is not held: the most memory that the process ever had is less than what went through it.
#[test]
#[cfg(target_os = "linux")]
fn a_long_stream_is_not_held_in_memory() {
    const MEBIBYTES: usize = 48;
    let directory = directory();
    for form in [&["--pii", "strict"][..], &["--pii", "strict", "--json"]] {
        let mut child = command(directory.path())
            .arg("redact")
            .args(form)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let (mut piece, mut length) = (vec![0; 1 << 20], 0);
            loop {
                match stdout.read(&mut piece).unwrap() {
                    0 => return length,
                    more => length += more,
                }
            }
        });
        let mebibyte = vec![b'x'; 1 << 20];
        stdin.write_all(b"{\"text\": \"").unwrap();
        for _ in 0..MEBIBYTES {
            stdin.write_all(&mebibyte).unwrap();
        }
        let peak = peak_kibibytes(child.id());
        stdin.write_all(b"\"}").unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success());
        assert_eq!(reader.join().unwrap(), (MEBIBYTES << 20) + 12);
        assert!(peak < 40 << 10, "{form:?}: {peak} KiB");
    }
}

#[cfg(target_os = "linux")]
fn peak_kibibytes(process: u32) -> usize {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
