//! What sounds like a secret: for findings and plans, which must not show one. Both hide too much rather than too little.

/// Does a header, variable or key of this name hold a secret?
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "authorization",
        "cookie",
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "credential",
        "bearer",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Which arguments of a command may be secrets: `--token=VALUE`, what follows `--token`, and a shell line with any of these.
pub fn secret_arguments<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Vec<bool> {
    let mut after_option = false;
    let mut judge = |text: &str| {
        let hidden = after_option || (text.contains(['=', ' ']) && is_secret_name(text));
        after_option = text.starts_with('-') && is_secret_name(text) && !text.contains('=');
        hidden
    };
    arguments.into_iter().map(&mut judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_hides_its_value_and_nothing_after_it() {
        let argv = [
            "serve",
            "--api-key",
            "k1",
            "x",
            "--token=t",
            "--port",
            "80",
            "sh -c 'SECRET=1 run'",
        ];
        assert_eq!(
            secret_arguments(argv),
            [false, false, true, false, true, false, false, true]
        );
    }
}
