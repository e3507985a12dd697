//! `serve` and `status` where there is nothing to serve or nobody to ask.

use super::run::mcpgw_with;

#[test]
fn status_without_a_gateway_says_which_socket_was_tried() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, socket) in [
        (&["status"][..], ".mcpgw/control.sock"),
        (&["status", "--state", "there"], "there/control.sock"),
        (&["status", "--gateway", "other.sock"], "other.sock"),
    ] {
        let ran = mcpgw_with(arguments, "", directory.path());
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        assert!(ran.stderr.contains(socket), "{}", ran.stderr);
    }
}

#[test]
fn serve_refuses_what_it_cannot_do() {
    let bad = tempfile::tempdir().unwrap();
    std::fs::write(bad.path().join("mcpgw.toml"), "[server.a]\n").unwrap();
    for (arguments, code) in [
        (&["serve"][..], 1),
        (&["serve", "no/such/path"], 1),
        (&["serve", ".", "--redis-env", "REDIS"], 64),
        (&["serve", ".", "--key-file", "k"], 64),
        (
            &["serve", ".", "--control", "127.0.0.1:1", "--control-token-file", "t"],
            1,
        ),
        (&["serve", ".", "--control", "127.0.0.1:1"], 64),
    ] {
        let ran = mcpgw_with(arguments, "", bad.path());
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (code, ""),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("error"), "{arguments:?}: {}", ran.stderr);
    }
}
