//! Every code that a finding may carry: one line each, the list is the contract.

use std::fmt;

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $severity:ident $name:literal $description:literal;)*) => {
        /// What kind of thing a finding is about. Each has a folder `tests/cases/CODE/`.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Code {
            $(#[doc = $description] $variant,)*
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Kebab-case; never renamed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One line about every finding of this code.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }

            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    // files
    NoConfiguration Error "no-configuration" "a PATH is no configuration: no such file, or a directory without `mcpgw.toml`";
    UnreadableFile Error "unreadable-file" "a file of the configuration cannot be read";
    UnreadFile Error "unread-file" "a TOML file lies where no configuration is read";
    NotUtf8 Error "not-utf8" "a file is not UTF-8 text";
    FileTooLarge Error "file-too-large" "a file is larger than a configuration file may be";
    TooManyFiles Error "too-many-files" "the directory holds more files than are looked at";
    Syntax Error "syntax" "a file is not TOML";
    DuplicateKey Error "duplicate-key" "a key is given twice";
    DuplicateTable Error "duplicate-table" "a table's header stands twice";
    MisplacedIgnore Error "misplaced-ignore" "`ignore` stands elsewhere than in `mcpgw.toml`";

    // shape
    UnknownKey Error "unknown-key" "a key that the table does not have";
    UnknownTable Error "unknown-table" "a table that a configuration does not have";
    WrongType Error "wrong-type" "a value of another type than the key takes";
    MissingKey Error "missing-key" "a key that the table needs is not there";
    InvalidName Error "invalid-name" "a name is not made as names of this kind are";
    InvalidChoice Error "invalid-choice" "a word that is none of those the key takes";
    InvalidDuration Error "invalid-duration" "a text that is no duration";
    InvalidSize Error "invalid-size" "a text that is no size";
    OutOfRange Error "out-of-range" "a number, duration or size beyond what is allowed";
    InvalidText Error "invalid-text" "a text that is empty or holds characters it must not";
    InvalidAddress Error "invalid-address" "a text that is no IP address with a port";
    InvalidUrl Error "invalid-url" "a text that is no http or https URL of the kind needed";
    InvalidHost Error "invalid-host" "a text that is no host name";
    InvalidOrigin Error "invalid-origin" "a text that is no web origin";
    InvalidNetwork Error "invalid-network" "a text that is no network in CIDR notation";
    InvalidPattern Error "invalid-pattern" "a glob that cannot be read";
    InvalidRegex Error "invalid-regex" "a regular expression that cannot be read";
    InvalidPointer Error "invalid-pointer" "a text that is no JSON pointer";
    InvalidHeader Error "invalid-header" "a header that cannot be sent, or that the gateway itself sends";
    InvalidVariable Error "invalid-variable" "a text that is no name of an environment variable";
    InvalidMember Error "invalid-member" "a text that names no caller";
    InvalidLogLevel Error "invalid-log-level" "a text that is no log level";

    // secrets
    LiteralSecret Error "literal-secret" "a secret stands in the files";
    InvalidSecret Error "invalid-secret" "a reference to a secret that names no source, or several";
    SecretInUrl Error "secret-in-url" "a URL holds a user name or password";

    // gateway
    MissingPublicUrl Error "missing-public-url" "`listen` is reachable from elsewhere and there is no `public-url`";
    InsecurePublicUrl Error "insecure-public-url" "`listen` is reachable from elsewhere and `public-url` is not https";
    DuplicateAddress Error "duplicate-address" "two listeners have the same address";
    ControlWithoutTls Error "control-without-tls" "the control API is reachable from elsewhere without TLS";
    StoreWithoutKey Error "store-without-key" "a shared store has no key that seals it";
    FullPayloads Error "full-payloads" "the audit log would hold what a filter redacts";

    // servers
    NoTransport Error "no-transport" "a server has neither `url` nor `command`";
    TwoTransports Error "two-transports" "a server has both `url` and `command`";
    MisplacedKey Error "misplaced-key" "a key has no meaning together with another one";
    MissingAuth Error "missing-auth" "a server has credentials and does not say of which kind";
    MissingToken Error "missing-token" "a shared bearer token is nowhere given";
    MissingTokenEnv Error "missing-token-env" "a program has credentials and no variable to get them in";
    HalfOauthUrls Error "half-oauth-urls" "of `authorize-url` and `token-url` only one is given";

    // endpoints
    UnknownServer Error "unknown-server" "a server that no table defines";
    UnknownPii Error "unknown-pii" "a PII filter that no table defines";
    UnknownTool Warning "unknown-tool" "a tool that the server's lock does not have";
    UnselectedTool Error "unselected-tool" "a tool is changed that the endpoint does not select";
    ShownNameCollision Error "shown-name-collision" "two tools of an endpoint would be shown under one name";
    InvalidToolName Error "invalid-tool-name" "a name that clients refuse for a tool";
    AccessDuration Error "access-duration" "the default access duration is longer than the longest";

    // who
    UnknownService Error "unknown-service" "a service that no table defines";
    UnknownMember Warning "unknown-member" "a user or group that can never be";
    GroupCycle Error "group-cycle" "groups contain one another";
    InvalidPasswordHash Error "invalid-password-hash" "a text that is no hash of a password as `mcpgw hash-password` prints it";
    InvalidTokenHash Error "invalid-token-hash" "a text that is no SHA-256 of a token as `mcpgw token` prints it";
    MissingTokenHash Error "missing-token-hash" "a service has no token";
    DuplicateToken Error "duplicate-token" "one token belongs to two services";
    DuplicateIssuer Error "duplicate-issuer" "two issuers cannot be told apart";
    UnneededCredential Error "unneeded-credential" "a service has a credential for a server that takes none from it";
    ServiceExpires Warning "service-expires" "a service's token expires soon, or has";

    // roles
    AllowWithoutEndpoint Error "allow-without-endpoint" "an `allow` does not say on which endpoint";
    UnconditionalDeny Error "unconditional-deny" "a `deny` has no condition";
    UnknownEndpoint Error "unknown-endpoint" "an endpoint that no table defines";
    UnqualifiedName Error "unqualified-name" "a tool, prompt or resource without its server";
    MissingOperator Error "missing-operator" "a condition has no operator";
    EmptyIn Error "empty-in" "a list that a value should be in is empty";
    MixedTargets Error "mixed-targets" "a rule is about things that no request is at once";
    WrongHint Error "wrong-hint" "a hint that this kind of rule cannot use";
    AnonymousExposed Error "anonymous-exposed" "anyone who reaches the gateway gets in without a credential";
    AnonymousPersonal Error "anonymous-personal" "anonymous callers are let to a server that needs personal credentials";
    RuleMatchesNothing Warning "rule-matches-nothing" "a rule is about nothing that an endpoint selects";

    // pii
    UnknownPiiType Error "unknown-pii-type" "a type of personal data that nobody detects";
    ReservedPiiName Error "reserved-pii-name" "a custom type has the name of a built-in one";

    // locks
    InvalidLock Error "invalid-lock" "a file of the lock cannot be read";
    StrayLock Warning "stray-lock" "a file of the lock belongs to no server";
    UnlockedServer Error "unlocked-server" "every server must be in the lock and this one is not";

    // tests
    NoCaller Error "no-caller" "a test does not say as whom, or says it twice";
    EmptyTest Error "empty-test" "a test that asserts nothing";
    UnrunTest Error "unrun-test" "a test of what this version does not do";
    FailedTest Error "failed-test" "an assertion of a test does not hold";

    // advice
    NotServedYet Warning "not-served-yet" "this version checks it and does not serve it";
    UnpinnedServer Warning "unpinned-server" "a server's tools may change without review";
    OpenPattern Warning "open-pattern" "a glob that will admit tools which the server adds later";
    ShadowedRule Warning "shadowed-rule" "a `deny` takes away all that an `allow` gives";
    RepeatedRule Warning "repeated-rule" "a rule that another one of the role makes needless";
    IdleDeny Warning "idle-deny" "a `deny` takes away what no rule gives anybody";
    HiddenCharacters Warning "hidden-characters" "a definition holds characters that a model reads and a reviewer does not see";
    ForeignMention Warning "foreign-mention" "a definition speaks of another server's tools";
    ModelInstruction Warning "model-instruction" "a definition tells the model more than what the tool does";
    LongToolName Warning "long-tool-name" "a tool's name is longer than clients take";
    UnpinnedPackage Warning "unpinned-package" "a command runs whatever version of a package is newest";
    UnusedServer Warning "unused-server" "no endpoint uses the server";
    UnusedPii Warning "unused-pii" "nothing uses the PII filter";
    UnusedRole Warning "unused-role" "a role that gives nobody anything";
    UnusedGroup Warning "unused-group" "no role or group names the group";
    ServiceWithoutExpiry Warning "service-without-expiry" "a service's token never expires";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_words() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
        }
    }
}
